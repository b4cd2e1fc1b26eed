import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import pg from 'pg'
import { Refusal } from './refusal.ts'

// Any number, the same for all launchers; locks are per database.
const lock = 7_302_511

/**
 * Brings one database up to date: plain SQL files `NNNN_name.sql`, forward only, each in its own
 * transaction, all under an advisory lock, so that two launchers take turns. Our own, since none of
 * the known runners both reads plain files and notices that one was changed after it had run.
 * @throws Refusal naming the file at fault and what Postgres said; that file has changed nothing
 */
export async function migrate(folder: string, databaseUrl: string): Promise<void> {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_.*\.sql$/.test(file)).sort()
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock($1)', [lock])
    await client.query(`
      create table if not exists applied_migrations (
        file       text primary key,
        checksum   text not null,
        applied_at timestamptz not null default now()
      )`)
    const { rows } = await client.query('select file, checksum from applied_migrations')
    const applied = new Map<string, string>(rows.map((row) => [row.file, row.checksum]))
    for (const file of files) await apply(client, join(folder, file), file, applied.get(file))
  } finally {
    await client.end()
  }
}

async function apply(
  client: pg.Client,
  path: string,
  file: string,
  applied: string | undefined,
): Promise<void> {
  const place = relative(process.cwd(), path)
  const sql = await readFile(path, 'utf8')
  const checksum = createHash('sha256').update(sql).digest('hex')
  if (applied === checksum) return
  if (applied) {
    throw new Refusal(
      `${place} was changed after it had run here: put it back and add a new file, or begin with empty data (npm run reset).`,
    )
  }
  try {
    await client.query('begin')
    await client.query(sql)
    const record = 'insert into applied_migrations (file, checksum) values ($1, $2)'
    await client.query(record, [file, checksum])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw new Refusal(`The migration ${place} failed: ${(error as Error).message}.`, {
      cause: error,
    })
  }
}
