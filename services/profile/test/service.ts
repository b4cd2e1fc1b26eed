import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { audience, issuer } from '@clew/kit/identity'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { eventually } from '@clew/kit/test/eventually'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestDatabase, openTestRedis, withUser } from '@clew/tests/service-database'
import { type ResourceSpans, type TraceSpan, toTraceSpans } from '@clew/tests/trace'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { v7 as uuid } from 'uuid'

const root = join(import.meta.dirname, '..', '..', '..')

export type Answer = {
  status: number
  headers: Headers
  // Tests read answers as a caller would, and state the shape they expect.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  body: any
}
export type Person = { id: string; username: string; token: string }
export type Service = Awaited<ReturnType<typeof startService>>

/** The whole service as a process, over a database, a Redis and neighbours of its own. */
export async function startService({ redisUser = 'profile' } = {}) {
  const stack = new AsyncDisposableStack()
  const database = stack.use(await openTestDatabase('profile'))
  const ownRedis = stack.use(await openTestRedis('profile'))
  const databaseLink = stack.use(await openLink(portOf(database.url)))
  const redisLink = stack.use(await openLink(portOf(ownRedis.url)))
  const collector = stack.use(await startCollector())
  const auth = stack.use(await startAuth())
  const owner = stack.use(openPostgres(database.ownerUrl))
  const port = await findPort()
  const child = startProcess({
    CLEW_STATSD: '127.0.0.1:9',
    // On a busy machine an answer can take 50 ms, and a hit would become a miss.
    CLEW_REDIS_PATIENCE_MS: '1000',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'profile',
    AUTH_URL: auth.url,
    PROFILE_PORT: String(port),
    PROFILE_DATABASE_URL: throughPort(database.url, databaseLink.port),
    PROFILE_REDIS_URL: withUser(throughPort(ownRedis.url, redisLink.port), redisUser),
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
    /** As auth would append to its own stream in the same Redis. */
    authRedisUrl: withUser(ownRedis.url, 'auth'),
    redisUrl: ownRedis.url,
    owner: owner as Postgres,
    logs: child.logs,
    stop: child.stop,
    spans: collector.spans,

    /** Somebody who has registered: a profile and a token. */
    async person(username = `p${uuid().slice(-8)}`): Promise<Person> {
      const id = uuid()
      const created_at = new Date().toISOString()
      const body = { user_id: id, username, created_at }
      const { status } = await ask('POST', '/internal/profiles', { body })
      if (status !== 201) throw new Error(`no profile for ${username}: ${status}`)
      return { id, username, token: await auth.sign({ sub: id }) }
    },

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

type AskOptions = { token?: string; body?: unknown; headers?: Record<string, string> }

function isRaw(body: unknown): body is string | Buffer<ArrayBuffer> {
  return typeof body === 'string' || Buffer.isBuffer(body)
}

export async function waitUntil(ask: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await ask())) await sleep(20)
}

function startProcess(env: Record<string, string>) {
  const lines: string[] = []
  const child: ChildProcess = spawn(
    process.execPath,
    [
      '--import',
      join(root, 'telemetry/node/register.ts'),
      join(root, 'services/profile/src/main.ts'),
    ],
    { cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  child.stdout?.on('data', (chunk) => lines.push(...String(chunk).split('\n').filter(Boolean)))
  return {
    logs: () => lines.map((line) => JSON.parse(line)),
    /** @returns the exit code */
    async stop(): Promise<number | null> {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      return child.exitCode
    },
  }
}

/** A neighbour that speaks auth's contract: its keys, and what it says of a token. */
async function startAuth() {
  const current = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(current.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  const asked: string[] = []
  const server = await serve(async (path, body) => {
    asked.push(path)
    if (path === '/.well-known/jwks.json') return { keys: [jwk] }
    return { valid: !revoked.has(JSON.parse(body).token) }
  })
  const revoked = new Set<string>()
  return {
    ...server,
    asked,
    /** Tokens that auth would call invalid. */
    revoked,
    publicKey: current.publicKey,
    sign: (claims: Record<string, unknown>, over: SignOptions = {}) =>
      new SignJWT({ sid: randomUUID(), roles: ['user'], ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: over.kid ?? 'k1' })
        .setIssuer(over.issuer ?? issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(over.expires ?? '15m')
        .sign(over.key ?? current.privateKey),
  }
}

type SignOptions = { kid?: string; issuer?: string; expires?: string | number; key?: CryptoKey }

async function startCollector() {
  const received: ResourceSpans[] = []
  const server = await serve(async (_path, body) => {
    received.push(...JSON.parse(body).resourceSpans)
    return {}
  })
  return { ...server, spans: (): TraceSpan[] => toTraceSpans(received) }
}

async function serve(answer: (path: string, body: string) => Promise<object>) {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const raw = Buffer.concat(chunks)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(await answer(request.url ?? '', body.toString())))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A free port below 32768, where no outgoing connection can sit on it meanwhile. */
async function findPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createTcpServer().listen(port, '127.0.0.1')
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

function portOf(url: string): number {
  return Number(new URL(url).port)
}

function throughPort(address: string, port: number): string {
  const url = new URL(address)
  url.port = String(port)
  return url.href
}
