import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgres } from '@clew/kit/postgres'
import { eventually } from '@clew/kit/test/eventually'
import { openLink } from './cuttable-link.ts'
import { startAuth, startCollector } from './neighbours.ts'
import { openTestDatabase, openTestRedis, withUser } from './service-database.ts'
import type { TraceSpan } from './trace.ts'

const root = join(import.meta.dirname, '..')

export type Answer = {
  status: number
  headers: Headers
  // Tests read answers as a caller would, and state the shape they expect.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  body: any
}
type AskOptions = { token?: string; body?: unknown; headers?: Record<string, string> }
type Options = { redisUser?: string; env?: Record<string, string> }

/**
 * One service as a process, over a database, a Redis and an auth of its own.
 * @param env what it reads besides: where its other neighbours are
 */
export async function startOneService(name: string, { redisUser = name, env = {} }: Options = {}) {
  const stack = new AsyncDisposableStack()
  const database = stack.use(await openTestDatabase(name))
  const ownRedis = stack.use(await openTestRedis(name))
  const databaseLink = stack.use(await openLink(portOf(database.url)))
  const redisLink = stack.use(await openLink(portOf(ownRedis.url)))
  const collector = stack.use(await startCollector())
  const auth = stack.use(await startAuth())
  const owner = stack.use(openPostgres(database.ownerUrl))
  const port = await findPort()
  const prefix = name.toUpperCase()
  const child = startProcess(join('services', name, 'src/main.ts'), {
    CLEW_STATSD: '127.0.0.1:9',
    // On a busy machine an answer can take 50 ms, and a hit would become a miss.
    CLEW_REDIS_PATIENCE_MS: '1000',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: name,
    AUTH_URL: auth.url,
    [`${prefix}_PORT`]: String(port),
    [`${prefix}_DATABASE_URL`]: throughPort(database.url, databaseLink.port),
    [`${prefix}_REDIS_URL`]: withUser(throughPort(ownRedis.url, redisLink.port), redisUser),
    ...env,
  })
  stack.defer(async () => void (await child.stop()))
  const url = `http://127.0.0.1:${port}`

  async function ask(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
    const { token, body, headers = {} } = options
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isRaw(body) ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : '' }
  }

  await waitUntil(async () => (await ask('GET', '/readyz').catch(() => undefined))?.status === 200)
  return {
    url,
    ask,
    auth,
    database: databaseLink,
    redis: redisLink,
    redisUrl: ownRedis.url,
    /** As auth would append to its own stream in the same Redis. */
    authRedisUrl: withUser(ownRedis.url, 'auth'),
    owner,
    logs: child.logs,
    pid: child.pid,
    stop: child.stop,
    spans: collector.spans,

    /** The names of the spans a request left below its SERVER span, in the order they started. */
    async spanNames(answer: Answer): Promise<string[]> {
      const trace = answer.headers.get('x-trace-id')
      const spans = () => collector.spans().filter((span) => span.traceId === trace)
      await waitUntil(() => spans().some((span) => span.kind === 'SERVER'))
      return spans().map((span) => span.name)
    },
    /** The span of the request itself. */
    serverSpan(answer: Answer): Promise<TraceSpan> {
      const trace = answer.headers.get('x-trace-id')
      return eventually(() =>
        collector.spans().find((span) => span.traceId === trace && span.kind === 'SERVER'),
      )
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function isRaw(body: unknown): body is string | Buffer<ArrayBuffer> {
  return typeof body === 'string' || Buffer.isBuffer(body)
}

export async function waitUntil(ask: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await ask())) await sleep(20)
}

/** @param main the file to run, below the root */
export function startProcess(main: string, env: Record<string, string>) {
  const lines: string[] = []
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', join(root, 'telemetry/node/register.ts'), join(root, main)],
    { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  child.stdout?.on('data', (chunk) => lines.push(...String(chunk).split('\n').filter(Boolean)))
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await once(child, 'exit')
    }
    return child.exitCode
  }
  return {
    pid: child.pid,
    logs: () => lines.map((line) => JSON.parse(line)),
    /** @returns the exit code */
    stop: () => end('SIGTERM'),
    /** At once, in the middle of whatever it does. */
    kill: () => end('SIGKILL'),
  }
}

/** A free port below 32768, where no outgoing connection can sit on it meanwhile. */
export async function findPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer().listen(port, '127.0.0.1')
    const taken = await Promise.race([
      once(server, 'listening').then(() => false),
      once(server, 'error').then(() => true),
    ])
    if (taken) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

export function portOf(url: string): number {
  return Number(new URL(url).port)
}

export function throughPort(address: string, port: number): string {
  const url = new URL(address)
  url.port = String(port)
  return url.href
}
