import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { adminUrl, createCluster, findPostgres, postgresCommand } from '@clew/launcher/postgres'
import { answersSql, answersTcp, type Probe } from '@clew/launcher/readiness'
import { redisConf } from '@clew/launcher/redis'
import { findTools } from '@clew/launcher/tools'

/** What service tests stand on: where Postgres and Redis are, as their administrators. */
export type ServicePlatform = {
  postgres: string
  redis: string
  /** Of each service's role and user; its name where none is given. */
  passwords?: Record<string, string>
}

const password = 'clew'
const startMs = 20_000

/**
 * One Postgres and one Redis for a run of the service tests, on free ports and in a temporary folder.
 * Says where they are in one line on stdout, and ends both when stdin ends: so nothing is left
 * running, however the tests end.
 */
async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'clew-tests-'))
  const children: ChildProcess[] = []
  const services = await readdir(join(import.meta.dirname, '..', 'services'))
  const passwords = Object.fromEntries([...services, 'gateway'].map((name) => [name, name]))
  try {
    const [postgres, redis] = await Promise.all([
      startPostgres(folder, children),
      startRedis(folder, passwords, children),
    ])
    process.stdout.write(
      `${JSON.stringify({ postgres, redis, passwords } satisfies ServicePlatform)}\n`,
    )
    await once(process.stdin.resume(), 'end')
  } finally {
    await Promise.all(children.map(end))
    await rm(folder, { recursive: true, force: true })
  }
}

async function startPostgres(folder: string, children: ChildProcess[]): Promise<string> {
  const [postgres, port] = await Promise.all([findPostgres(), findPort()])
  const data = join(folder, 'postgres')
  await createCluster(postgres, data, password)
  // The data are thrown away, so they need not survive a power cut.
  const unsafe = ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off']
  children.push(launch([...postgresCommand(postgres, data, port), ...unsafe], {}))
  await until(answersSql(adminUrl(port, password)), 'Postgres')
  return adminUrl(port, password)
}

async function startRedis(
  folder: string,
  passwords: Record<string, string>,
  children: ChildProcess[],
): Promise<string> {
  const [{ redis }, port] = await Promise.all([findTools(['redis'], () => {}), findPort()])
  const data = join(folder, 'redis')
  await mkdir(data)
  const { gateway: gatewayPassword = '', ...services } = passwords
  const conf = redisConf({ port, folder: data, services, gatewayPassword, password })
  await writeFile(join(data, 'redis.conf'), `${conf}\ndatabases 256\n`)
  children.push(launch([redis?.file ?? 'redis-server', join(data, 'redis.conf')], redis?.env))
  await until(answersTcp(port, `AUTH clew ${password}\r\nPING\r\n`, '+PONG'), 'Redis')
  return `redis://clew:${password}@127.0.0.1:${port}`
}

function launch([file = '', ...args]: string[], env: Record<string, string> | undefined) {
  return spawn(file, args, { stdio: 'ignore', env: { ...process.env, TZ: 'UTC', ...env } })
}

/** SIGINT: Postgres ends its sessions instead of waiting for them. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGINT')
  await Promise.race([once(child, 'exit'), sleep(5_000).then(() => child.kill('SIGKILL'))])
}

async function until(ready: Probe, name: string): Promise<void> {
  const deadline = Date.now() + startMs
  while (!(await ready())) {
    if (Date.now() > deadline) throw new Error(`${name} did not start within ${startMs} ms`)
    await sleep(50)
  }
}

/** A free port below 32768, where no outgoing connection can sit on it meanwhile. */
async function findPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    if (await promise) return port
  }
}

// Ctrl-C reaches the whole group; the end of the tests is what ends this.
process.on('SIGINT', () => {})
if (import.meta.main) await main()
