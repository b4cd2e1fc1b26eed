import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBus } from '@clew/kit/bus'
import { createClient } from '@clew/kit/client'
import { createHealth } from '@clew/kit/health'
import { listen } from '@clew/kit/lifecycle'
import { createLogger } from '@clew/kit/log'
import { startRelay } from '@clew/kit/outbox'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { followRevocations } from '@clew/kit/revocations'
import { traceRequests } from '@clew/telemetry/http-server'
import { createStatsD } from '@clew/telemetry/statsd'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { stream } from '../src/events.ts'
import { openKeys } from '../src/keys.ts'

export type Auth = Awaited<ReturnType<typeof startAuth>>

/** Auth on a free port over a database and a Redis of its own, with links to both that can be cut. */
export async function startAuth(env: Record<string, string> = {}) {
  const owned = new AsyncDisposableStack()
  const own = <Resource extends AsyncDisposable>(resource: Resource) => owned.use(resource)
  const database = own(await openTestDatabase('auth'))
  const redisDatabase = own(await openTestRedis('auth'))
  const postgresLink = own(await openLink(Number(new URL(database.url).port)))
  const redisLink = own(await openLink(Number(new URL(redisDatabase.url).port)))
  const folder = await mkdtemp(join(tmpdir(), 'clew-auth-'))
  owned.defer(() => rm(folder, { recursive: true, force: true }))
  const neighbour = own(await startNeighbour())
  const port = await freePort()

  const config = readConfig({
    AUTH_PORT: String(port),
    AUTH_DATABASE_URL: through(database.url, postgresLink.port),
    AUTH_REDIS_URL: through(redisDatabase.url, redisLink.port),
    AUTH_KEYS: join(folder, 'keys'),
    PROFILE_URL: neighbour.url,
    GATEWAY_URL: `http://127.0.0.1:${port}`,
    ...env,
  })
  const log = createLogger('auth')
  const metrics = own(createStatsD('auth_service'))
  const keys = own(await openKeys(config.AUTH_KEYS, log))
  const postgres = own(openPostgres(config.AUTH_DATABASE_URL, { connectMs: 500 }))
  const redis = own(await openRedis(config.AUTH_REDIS_URL))
  const profile = own(createClient('profile', config.PROFILE_URL))
  const bus = createBus(redis)
  const revocations = own(followRevocations(bus))
  const relay = own(startRelay(postgres, bus, stream, log))
  const health = createHealth({ postgres: postgres.ping, redis: redis.ping }, ['redis'])
  const app = createApp({
    ...{ config, health, keys, log, metrics, postgres, profile, redis, relay, revocations },
  })
  own(await listen(traceRequests(app), port, '127.0.0.1'))
  const url = `http://127.0.0.1:${port}`
  return {
    ...{ app, bus, config, database, health, keys, neighbour, postgres, postgresLink, redis },
    ...{ redisLink, url },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),

    /** Sends JSON, gives status, headers and parsed body. */
    async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const answer = await fetch(url + path, {
        method,
        redirect: 'manual',
        headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await answer.text()
      const isJson = answer.headers.get('content-type')?.includes('json')
      // biome-ignore lint/suspicious/noExplicitAny: answers of every shape are asserted on
      const parsed: any = isJson ? JSON.parse(text) : text
      return { status: answer.status, headers: answer.headers, body: parsed }
    },
  }
}

let people = 0
/** Someone who is not registered yet. */
export function newPerson() {
  const username = `ada_${process.pid}_${++people}`
  return { username, email: `${username}@example.org`, password: 'correct horse battery' }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** Stands where profile would, and remembers what it was told. */
async function startNeighbour() {
  const told: { path: string; body: unknown; traceparent: string | undefined }[] = []
  const state = { told, status: 201, url: '' }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const traceparent = request.headers.traceparent?.toString()
    told.push({ path: request.url ?? '', body: JSON.parse(text), traceparent })
    response.writeHead(state.status, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}

function through(address: string, port: number): string {
  const url = new URL(address)
  url.port = String(port)
  return url.href
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
