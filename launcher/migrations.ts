import { readdir } from 'node:fs/promises'
import { relative } from 'node:path'
import { runner } from 'node-pg-migrate'
import { Refusal } from './refusal.ts'

/**
 * Brings one database up to date: plain SQL files `NNNN_name.sql`, forward only, each in its own
 * transaction, all under an advisory lock. Two launchers take turns.
 * @throws Refusal naming the file at fault and what Postgres said; that file has changed nothing
 */
export async function migrate(folder: string, databaseUrl: string): Promise<void> {
  let current = ''
  const follow = (message: string) => {
    const [, name] = /^### MIGRATION (.*) \(UP\) ###$/.exec(message) ?? []
    if (name) current = name
  }
  const silent = () => undefined
  try {
    await readdir(folder)
    await runner({
      databaseUrl,
      dir: folder,
      direction: 'up',
      migrationsTable: 'migrations',
      advisoryLockMode: 'wait',
      logger: { debug: silent, info: follow, warn: silent, error: silent },
    })
  } catch (error) {
    const place = `${relative(process.cwd(), folder)}${current ? `/${current}.sql` : ''}`
    const reason = error instanceof Error ? error.message : String(error)
    throw new Refusal(`The migration ${place} failed: ${reason}.`, { cause: error })
  }
}
