import { eventually } from '@clew/kit/test/eventually'
import { openLink } from '@clew/tests/cuttable-link'
import { serve, startAuth, startCollector } from '@clew/tests/neighbours'
import { findPort, portOf, startProcess, throughPort } from '@clew/tests/one-service'
import { openTestDatabase, openTestRedis, withUser } from '@clew/tests/service-database'
import { describeTrace, parseTree, printTree } from '@clew/tests/tree'
import { v7 as uuid } from 'uuid'
import { expect, vi } from 'vitest'
import { connectPhone, type Phone } from './phone.ts'

export type Person = { id: string; token: string }
// biome-ignore lint/suspicious/noExplicitAny: tests state the shape they expect
type Asking = { ask(method: string, path: string, body?: object): Promise<any> }
export type Instance = Awaited<ReturnType<typeof startInstance>>
export type Two = Awaited<ReturnType<typeof startTwo>>

/** Two instances of the service over one Postgres and one Redis, which can be cut from each. */
export async function startTwo(env: Record<string, string> = {}) {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await openTestDatabase('messaging'))
  const redis = stack.use(await openTestRedis('messaging'))
  const collector = stack.use(await startCollector())
  const auth = stack.use(await startAuth())
  const everybody = stack.use(await serve(async (_path, body) => ({ ids: JSON.parse(body).ids })))
  const shared = {
    CLEW_STATSD: '127.0.0.1:9',
    // On a busy machine an answer can take 50 ms.
    CLEW_REDIS_PATIENCE_MS: '1000',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'messaging',
    AUTH_URL: auth.url,
    PROFILE_URL: everybody.url,
    GATEWAY_URL: 'http://127.0.0.1:8080',
    MESSAGING_DATABASE_URL: database.url,
    ...env,
  }
  const [one, two] = await Promise.all(
    ['1', '2'].map((number) => startInstance(number, redis.url, shared)),
  )
  if (!one || !two) throw new Error('two were started')
  stack.use(one)
  stack.use(two)

  const owned = stack.move()

  async function person(claims = {}, over = {}): Promise<Person> {
    const id = uuid()
    return { id, token: await auth.sign({ sub: id, ...claims }, over) }
  }
  return {
    one,
    two,
    auth,
    redisUrl: redis.url,
    authRedisUrl: withUser(redis.url, 'auth'),
    ownerUrl: database.ownerUrl,
    person,
    /** Somebody new, on a phone of theirs that is connected to an instance. */
    async phone(instance: Instance): Promise<Phone & Person & Asking> {
      const who = await person()
      const ask = (method: string, path: string, body?: object) =>
        request(`${instance.url}/api/messages/${path}`, method, who.token, body)
      return Object.assign(await connectPhone(instance.url, who.token), who, { ask })
    },
    spans: (traceId: string) => collector.spans().filter((span) => span.traceId === traceId),
    allSpans: collector.spans,
    /** What somebody caused by events of this name, in any trace. */
    spansOf: (name: string, userId: string) =>
      collector
        .spans()
        .filter((span) => span.name === name && span.attributes['user.id']?.value === userId),
    /** @throws unless the spans of a trace become exactly these, as `tests/tree.ts` writes them */
    async expectTree(traceId: string, text: string): Promise<void> {
      const expected = parseTree(text)
      const told = () =>
        describeTrace(
          collector.spans().filter((span) => span.traceId === traceId),
          expected,
        )
      await vi.waitFor(() => expect(told()).toBe(printTree(expected)), 5_000)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function request(url: string, method: string, token: string, body?: object) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })
  expect(answer.ok).toBe(true)
  return answer.status === 204 ? undefined : await answer.json()
}

async function startInstance(number: string, redisUrl: string, env: Record<string, string>) {
  const redis = await openLink(portOf(redisUrl))
  const port = await findPort()
  const url = `http://127.0.0.1:${port}`
  const child = startProcess('services/messaging/src/main.ts', {
    ...env,
    CLEW_INSTANCE: number,
    MESSAGING_PORT: String(port),
    MESSAGING_REDIS_URL: throughPort(redisUrl, redis.port),
  })
  // Throws when it has ended.
  await eventually(async () => {
    process.kill(child.pid ?? 0, 0)
    return (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200
  })
  return {
    url,
    port,
    redis,
    ...child,
    async [Symbol.asyncDispose]() {
      await child.stop()
      await redis[Symbol.asyncDispose]()
    },
  }
}
