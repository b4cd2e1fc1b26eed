import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@clew/kit/test/eventually'
import { openCollector } from '@clew/telemetry/test/collector'
import { type Answer, type Asking, ask } from '@clew/tests/answer'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import pg from 'pg'
import { createClient } from 'redis'
import { startNeighbour } from './neighbour.ts'

export type Auth = Awaited<ReturnType<typeof startAuth>>

const root = join(import.meta.dirname, '..', '..', '..')

/**
 * The real process on a free port, over a database and a Redis of its own with links to both that
 * can be cut, a stand-in for profile, and a collector for its spans.
 */
export async function startAuth(env: Record<string, string> = {}) {
  const owned = new AsyncDisposableStack()
  const own = <Resource extends AsyncDisposable>(resource: Resource) => owned.use(resource)
  const [database, redis] = [own(await openTestDatabase('auth')), own(await openTestRedis('auth'))]
  const postgresLink = own(await openLink(portOf(database.url)))
  const redisLink = own(await openLink(portOf(redis.url)))
  const folder = await mkdtemp(join(tmpdir(), 'clew-auth-'))
  owned.defer(() => rm(folder, { recursive: true, force: true }))
  const [neighbour, collector] = [own(await startNeighbour()), own(await openCollector())]
  const owner = new pg.Pool({ connectionString: database.ownerUrl, max: 1 })
  owned.defer(() => owner.end())
  owner.on('error', () => {})

  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const settings = {
    OTEL_SERVICE_NAME: 'auth',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    AUTH_PORT: String(port),
    AUTH_DATABASE_URL: through(database.url, postgresLink.port),
    AUTH_REDIS_URL: through(redis.url, redisLink.port),
    AUTH_KEYS: join(folder, 'keys'),
    PROFILE_URL: neighbour.url,
    GATEWAY_URL: url,
    // On a busy machine an answer can take 50 ms, and Redis would count as away.
    CLEW_REDIS_PATIENCE_MS: '1000',
    ...env,
  }
  const { child, log } = launch(settings)
  owned.defer(() => stop(child))
  await until(
    () =>
      ask(`${url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    () => `auth did not start: ${log.join('\n')}`,
  )
  return {
    ...{
      child,
      collector,
      database,
      log,
      neighbour,
      postgresLink,
      redis,
      redisLink,
      settings,
      url,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
    get: (path: string, headers?: Asking['headers']) => ask(url + path, headers ? { headers } : {}),
    post: (path: string, body?: unknown, headers: Asking['headers'] = {}): Promise<Answer> =>
      ask(url + path, { method: 'POST', body, headers }),
    /** What the stream says of a person or session, once it says anything. */
    async facts(type: string, id: string): Promise<object[]> {
      await using client = await openClient(redis.url)
      return await eventually(async () => {
        const entries = await client.xRange('events:auth', '-', '+')
        const payloads = (entries ?? [])
          .filter(({ message }) => message.type === type && message.payload?.includes(id))
          .map(({ message }) => JSON.parse(message.payload ?? ''))
        return payloads.length > 0 && payloads
      })
    },
    /** As if Redis had lost it. */
    async forgetSession(id: string) {
      await using client = await openClient(redis.url)
      await client.del(`auth:session:${id}`)
    },
    /** As the owner of the tables, whom no row-level security binds. */
    async rows(text: string, values: unknown[] = []) {
      return (await owner.query(text, values)).rows
    },
  }
}

/** A second process over the same database, Redis and keys. */
export async function startAnother(auth: Auth) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { child, log } = launch({ ...auth.settings, AUTH_PORT: String(port) })
  await until(
    () =>
      ask(`${url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    () => `auth did not start: ${log.join('\n')}`,
  )
  return { url, child, log, [Symbol.asyncDispose]: () => stop(child) }
}

let people = 0
/** Someone who is not registered yet. */
export function newcomer() {
  const username = `ada_${process.pid}_${++people}`
  return { email: `${username}@mail.example`, username, password: 'correct horse battery' }
}

/** Someone who is, with their tokens. */
export async function resident(auth: Auth) {
  const person = newcomer()
  const { status, body } = await auth.post('/api/auth/register', person)
  if (status !== 201) throw new Error(`not registered: ${status} ${JSON.stringify(body)}`)
  return {
    ...person,
    id: body.user.id as string,
    token: body.token as string,
    refreshToken: body.refresh_token as string,
  }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export function sessionOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid
}

function launch(settings: Record<string, string>) {
  const register = join(root, 'telemetry', 'node', 'register.ts')
  const main = join(root, 'services', 'auth', 'src', 'main.ts')
  const child = spawn(process.execPath, ['--import', register, main], {
    cwd: root,
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: string[] = []
  for (const out of [child.stdout, child.stderr]) {
    out.setEncoding('utf8').on('data', (text) => log.push(...text.split('\n').filter(Boolean)))
  }
  return { child, log }
}

async function stop(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await Promise.race([exit, sleep(15_000).then(() => child.kill('SIGKILL'))])
}

async function until(holds: () => Promise<boolean>, otherwise: () => string) {
  const deadline = Date.now() + 15_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(otherwise())
    await sleep(25)
  }
}

/** A connection to the service's Redis database. */
export async function openClient(address: string) {
  const client = createClient({ url: address })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() })
}

const portOf = (address: string) => Number(new URL(address).port)

function through(address: string, port: number): string {
  const url = new URL(address)
  url.port = String(port)
  return url.href
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
