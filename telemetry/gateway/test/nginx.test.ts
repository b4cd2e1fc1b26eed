import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { unauthorized } from '@clew/kit/identity'
import { listen } from '@clew/kit/lifecycle'
import { createLogger } from '@clew/kit/log'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readLine } from '../src/access-line.ts'
import { createApp } from '../src/app.ts'
import { encodeSpan } from '../src/span.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { startEcho } from './servers.ts'

const trace = '0123456789abcdef0123456789abcdef'
const caller = 'fedcba9876543210'
const owned = new AsyncDisposableStack()
let gateway: Gateway
let profile: Awaited<ReturnType<typeof startEcho>>

beforeAll(async () => {
  gateway = owned.use(await startGateway())
  profile = owned.use(await startEcho(gateway.ports.profile))
  owned.use(await startEcho(gateway.ports.feed))
  owned.use(await startEcho(gateway.ports.lens))
})

afterAll(() => owned.disposeAsync())

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${gateway.url}${path}`, init)
}

/** What the service behind the gateway saw. */
async function seen(headers: Record<string, string>): Promise<Record<string, string>> {
  const answer = await ask('/api/users/1', { headers })
  expect(answer.status).toBe(200)
  return (await json(answer)).headers
}

async function json(answer: Response) {
  return (await answer.json()) as Record<string, string> & { headers: Record<string, string> }
}

/** One request written by hand, and all that comes back until the connection closes. */
async function raw(request: string): Promise<string> {
  const socket = connect(gateway.ports.gateway, '127.0.0.1')
  socket.write(request)
  return text(socket)
}

async function loggedAs(path: string): Promise<Record<string, string> | undefined> {
  return (await gateway.logged()).findLast((line) => line.path === path)
}

describe('trace context', () => {
  test('without a caller a trace begins, and the service is below the gateway', async () => {
    const answer = await ask('/api/users/1')
    const { headers } = await json(answer)
    const [, id = '', span = ''] =
      /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(headers.traceparent ?? '') ?? []
    expect(answer.headers.get('traceresponse')).toBe(headers.traceparent)
    expect(id).toHaveLength(32)
    expect(answer.headers.get('x-trace-id')).toBe(id)
    expect(answer.headers.get('x-span-id')).toBe(span)
    expect(headers).toMatchObject({ 'x-trace-id': id, 'x-span-id': span })
    expect(headers).not.toHaveProperty('x-parent-id')
  })

  test('a caller is continued', async () => {
    const headers = await seen({
      traceparent: `00-${trace}-${caller}-01`,
      tracestate: 'vendor=1,other=2',
    })
    expect(headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
    expect(headers.traceparent).not.toContain(caller)
    expect(headers).toMatchObject({ tracestate: 'vendor=1,other=2', 'x-parent-id': caller })
  })

  test('a later version of traceparent is understood as far as it is known', async () => {
    const headers = await seen({ traceparent: `01-${trace}-${caller}-01-more` })
    expect(headers.traceparent).toContain(`00-${trace}-`)
  })

  test('who does not record is passed on, and leaves no line', async () => {
    const headers = { traceparent: `00-${trace}-${caller}-00` }
    const answer = await ask('/api/users/unrecorded', { headers })
    expect(answer.headers.get('traceresponse')).toMatch(/-00$/)
    await ask('/api/users/recorded')
    await expect.poll(() => loggedAs('/api/users/recorded')).toBeTruthy()
    expect(await loggedAs('/api/users/unrecorded')).toBeUndefined()
  })

  test.each([
    ['malformed', `00-${trace}-${caller}`],
    ['of other letters', `00-${trace.toUpperCase()}-${caller}-01`],
    ['of version ff', `ff-${trace}-${caller}-01`],
    ['longer than its version', `00-${trace}-${caller}-01-more`],
    ['with a zero trace', `00-${'0'.repeat(32)}-${caller}-01`],
    ['with a zero span', `00-${trace}-${'0'.repeat(16)}-01`],
    ['empty', ''],
  ])('a traceparent %s is ignored, and its tracestate', async (_, traceparent) => {
    const headers = await seen({ traceparent, tracestate: 'vendor=1' })
    expect(headers.traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-01$/)
    expect(headers.traceparent).not.toContain(trace)
    expect(headers).not.toHaveProperty('tracestate')
    expect(headers).not.toHaveProperty('x-parent-id')
  })
})

describe('baggage', () => {
  test.each([
    ['two keys', 'clew.run=k6-1,session.id=s:1', 'session.id=s:1,clew.run=k6-1'],
    [
      'spaces and properties',
      ' clew.scenario = slow_db ;ttl=5 , clew.synthetic=k6',
      'clew.scenario=slow_db,clew.synthetic=k6',
    ],
    ['a fault', 'clew.fault=slow', 'clew.fault=slow'],
    ['a key that is not ours', 'user.email=a@b.c,clew.run=r', 'clew.run=r'],
    ['keys that look like ours', 'xclew.run=r,clew_run=r,clew.run.x=r', undefined],
    ['a space', 'clew.run=two words', undefined],
    ['quotes', 'clew.run="quoted"', undefined],
    ['an address', 'clew.run=a@b.c', undefined],
    ['no value', 'clew.run=', undefined],
    ['a long value', `clew.run=${'r'.repeat(129)}`, undefined],
    ['20 KB', `session.id=s,rest=${'x'.repeat(20_000)}`, undefined],
  ])('%s', async (_, baggage, passed) => {
    expect((await seen({ baggage })).baggage).toBe(passed)
  })
})

describe('routes', () => {
  test.each(['/api/users/17', '/api/users/search?q=x', '/api/users/17/followers?limit=2'])(
    '%s reaches its service as it was asked',
    async (path) => {
      const answer = await ask(path)
      expect(await answer.json()).toMatchObject({ url: path })
    },
  )

  test.each([
    '/api/posts',
    '/api/posts/17/like',
    '/api/posts/user/17?limit=2',
    '/api/timeline/17?order=ranked&page=2',
  ])('%s reaches feed, with and without the /feed in its path', async (path) => {
    expect((await json(await ask(path, { method: 'POST', body: '{}' }))).url).toBe(path)
    const alias = path.replace('/api', '/api/feed')
    expect((await json(await ask(alias, { method: 'POST', body: '{}' }))).url).toBe(path)
  })

  test('every route has a name without ids, and no other path has one', async () => {
    const names = [
      ['/', '/'],
      ['/api/auth/register', '/api/auth/register'],
      ['/api/auth/login', '/api/auth/login'],
      ['/api/auth/logout', '/api/auth/logout'],
      ['/api/auth/refresh', '/api/auth/refresh'],
      ['/api/auth/github', '/api/auth/{provider}'],
      ['/api/auth/github/callback', '/api/auth/{provider}/callback'],
      ['/auth/callback', '/auth/callback'],
      ['/auth/error', '/auth/error'],
      ['/api/validate/token', '/api/validate/token'],
      ['/api/validate/user', '/api/validate/user'],
      ['/api/validate/batch', '/api/validate/batch'],
      ['/.well-known/jwks.json', '/.well-known/jwks.json'],
      ['/api/users/42', '/api/users/{id}'],
      ['/api/users/search', '/api/users/search'],
      ['/api/users/42/profile', '/api/users/{id}/profile'],
      ['/api/users/42/follow', '/api/users/{id}/follow'],
      ['/api/users/42/followers', '/api/users/{id}/followers'],
      ['/api/users/42/following', '/api/users/{id}/following'],
      ['/api/users/42/unheard-of', ''],
      ['/api/posts', '/api/posts'],
      ['/api/posts/42', '/api/posts/{id}'],
      ['/api/posts/42/like', '/api/posts/{id}/like'],
      ['/api/posts/42/comments', '/api/posts/{id}/comments'],
      ['/api/posts/42/share', '/api/posts/{id}/share'],
      ['/api/posts/user/42', '/api/posts/user/{user_id}'],
      ['/api/timeline/42', '/api/timeline/{user_id}'],
      ['/api/feed/posts', '/api/feed/posts'],
      ['/api/feed/posts/42', '/api/feed/posts/{id}'],
      ['/api/feed/posts/42/like', '/api/feed/posts/{id}/like'],
      ['/api/feed/posts/user/42', '/api/feed/posts/user/{user_id}'],
      ['/api/feed/timeline/42', '/api/feed/timeline/{user_id}'],
      ['/api/feed/users/42', ''],
      ['/api/posts/42/unheard-of', ''],
      ['/api/timeline/42/unheard-of', ''],
      ['/nowhere', ''],
    ]
    for (const [path = ''] of names) await ask(path)
    await expect.poll(() => loggedAs('/nowhere')).toBeTruthy()
    const found = names.map(async ([path = '']) => [path, (await loggedAs(path))?.route])
    expect(await Promise.all(found)).toEqual(names)
  })

  test('connections to a service are kept', async () => {
    profile.connections.clear()
    for (let count = 0; count < 20; count++) await ask('/api/users/1')
    expect(profile.connections.size).toBeLessThan(3)
  })

  test('the query is in no log', async () => {
    await ask('/api/users/quiet?token=hush')
    await expect.poll(() => loggedAs('/api/users/quiet')).toBeTruthy()
    expect(JSON.stringify(await gateway.logged())).not.toContain('hush')
  })

  test('health checks and the spans of browsers leave no line', async () => {
    await ask('/health')
    await ask('/otlp/v1/traces', { method: 'POST', body: '{}' })
    await ask('/otlp/v1/traces')
    await ask('/api/users/after')
    await expect.poll(() => loggedAs('/api/users/after')).toBeTruthy()
    expect(await loggedAs('/health')).toBeUndefined()
    expect(await loggedAs('/otlp/v1/traces')).toBeUndefined()
  })

  test('spans of browsers reach the collector', async () => {
    const answer = await ask('/otlp/v1/traces', { method: 'POST', body: '{}' })
    expect(await answer.json()).toMatchObject({ url: '/v1/traces', length: 2 })
  })
})

describe('what is not reachable from outside', () => {
  test.each(['/internal/profiles', '/internal', '/readyz', '/livez', '/stats', '/problem'])(
    '%s',
    async (path) => {
      expect((await ask(path)).status).toBe(404)
    },
  )

  test.each([
    '/api/users/../../internal/profiles',
    '/api/users/%2e%2e/%2e%2e/internal/profiles',
    '/api/users/..%2f..%2finternal/profiles',
    '/api/users/..\\..\\internal/profiles',
    '/internal/../api/users/1',
    '//internal/api/users/1',
    '/api/users//internal',
    '/api/users/.',
    '/api/feed/../../internal/authors',
    '/api/feed/%2e%2e/internal/authors',
    '/api/feed//internal',
  ])('%s, which a service might read in another way', async (path) => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
  })

  test('a query may hold what a path may not', async () => {
    expect((await ask('/api/users/1?next=%2f..//x')).status).toBe(200)
  })
})

describe('answers', () => {
  async function problemOf(answer: Response) {
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const problem = await json(answer)
    expect(problem).toMatchObject({ type: 'about:blank', status: answer.status })
    expect(problem.title && problem.detail).toBeTruthy()
    expect(problem.trace_id).toBe(answer.headers.get('x-trace-id'))
    expect(answer.headers.get('traceresponse')).toContain(problem.trace_id)
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    return problem
  }

  test('a service answers through the gateway with security headers and without its make', async () => {
    const { headers } = await ask('/api/users/1')
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      server: 'nginx',
    })
    expect(headers.has('x-powered-by')).toBe(false)
    expect(headers.get('traceresponse')).not.toContain('the-services-own')
    expect(headers.get('x-trace-id')).not.toContain('the-services-own')
  })

  test('404: an unknown path', async () => {
    expect(await problemOf(await ask('/nope'))).toMatchObject({ status: 404 })
  })

  test('405: spans of browsers are posted', async () => {
    expect(await problemOf(await ask('/otlp/v1/traces'))).toMatchObject({ status: 405 })
  })

  test('413: a body over 1 MB', async () => {
    const body = Buffer.alloc(1_048_577)
    const answer = await ask('/api/users/1/profile', { method: 'POST', body })
    expect(await problemOf(answer)).toMatchObject({ status: 413 })
  })

  test('413 comes before the body was sent, and the connection is not left hanging', async () => {
    const head = 'POST /api/users/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n'
    const answer = await raw(`${head}only this`)
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).toContain('Connection: close')
  })

  test('413: a chunked body that grows over 1 MB', async () => {
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    const head = 'POST /api/users/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await raw(head + chunk.repeat(17))).toMatch(/^HTTP\/1.1 413 /)
  })

  test('a body of 1 MB passes', async () => {
    const answer = await ask('/api/users/1', { method: 'POST', body: Buffer.alloc(1_048_576) })
    expect(await answer.json()).toMatchObject({ length: 1_048_576 })
  })

  test('414 and 400 before there is a path', async () => {
    const long = await ask(`/api/users/${'a'.repeat(40_000)}`)
    expect(await problemOf(long)).toMatchObject({ status: 414 })
    const malformed = await raw('GET / HTTP/1.1\r\nHost: a b\r\n\r\n')
    expect(malformed).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json.*"status":400/s)
  })

  test('429: one address asks too often; this machine and others are not hindered', async () => {
    const busy = { 'x-forwarded-for': '10.9.8.7' }
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => ask('/api/auth/login', { headers: busy })),
    )
    const refused = answers.find((answer) => answer.status === 429)
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(await problemOf(refused!)).toMatchObject({ status: 429 })
    const other = { 'x-forwarded-for': '10.9.8.6' }
    expect((await ask('/api/auth/login', { headers: other })).status).toBe(503)
    expect((await ask('/api/auth/login')).status).toBe(503)
  })

  test('the service is told the address that the gateway believes', async () => {
    expect((await seen({ 'x-forwarded-for': '6.6.6.6, 10.1.1.1' }))['x-forwarded-for']).toBe(
      '10.1.1.1',
    )
  })

  test('502: a service that breaks off', async () => {
    expect(await problemOf(await ask('/api/users/1/die'))).toMatchObject({ status: 502 })
  })

  test('503: a service that is away; asking again is safe', async () => {
    const answer = await ask('/api/auth/login', { method: 'POST', body: '{}' })
    expect(await problemOf(answer)).toMatchObject({ status: 503 })
    expect(answer.headers.get('retry-after')).toBe('1')
  })

  test('500 of a service passes as it is', async () => {
    const answer = await ask('/api/users/1/fail')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([500, 'application/json'])
  })

  test('/ says what this is', async () => {
    expect(await (await ask('/')).text()).toContain('built to be traced')
  })
})

describe('a page of a service that is away', () => {
  const id = '019aa3f0-0000-7000-8000-000000000001'
  const other = '019aa3f0-0000-7000-8000-000000000002'
  let lonely: Gateway
  let asked: string[]

  beforeAll(async () => {
    lonely = owned.use(await startGateway())
    asked = []
    const findPage = async (person: string) => {
      asked.push(person)
      return person === id ? '{"user_id":"..."}' : undefined
    }
    const findTimeline = async (
      reader: string,
      query: URLSearchParams,
      authorization: string | undefined,
    ) => {
      asked.push(reader)
      if (!authorization) throw unauthorized('absent')
      return query.has('cursor') ? undefined : '{"posts":[]}'
    }
    const log = createLogger('test')
    const app = createApp({ services: {}, stats: async () => ({}), findPage, findTimeline, log })
    owned.use(await listen(app, lonely.ports.health, '127.0.0.1'))
  })

  test('is given as it was, marked as stale, and the line says so', async () => {
    const answer = await fetch(`${lonely.url}/api/users/${id}?q=1`)
    expect([answer.status, answer.headers.get('x-cache')]).toEqual([200, 'stale'])
    expect(answer.headers.get('traceresponse')).toContain(answer.headers.get('x-trace-id'))
    expect(await answer.json()).toEqual({ user_id: '...' })
    await expect.poll(() => lonely.logged()).toHaveLength(1)
    const [line] = await lonely.logged()
    expect(line).toMatchObject({ status: '200', cache: 'stale', upstream: 'profile' })
    const head = await fetch(`${lonely.url}/api/users/${id}`, { method: 'HEAD' })
    expect([head.status, head.headers.get('x-cache')]).toEqual([200, 'stale'])
  })

  test('is 503 when nobody kept it, and its span says why', async () => {
    const answer = await fetch(`${lonely.url}/api/users/${other}`)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await answer.json()).toMatchObject({ status: 503, title: 'Service Unavailable' })
    await expect.poll(async () => (await lonely.logged()).at(-1)?.path).toContain(other)
    const span = JSON.parse(encodeSpan(readLine(JSON.stringify((await lonely.logged()).at(-1)))!))
    expect(span).toMatchObject({ status: { code: 2 }, events: [{ name: 'exception' }] })
  })

  test('is given of a timeline to whoever shows a token', async () => {
    for (const path of [`/api/timeline/${id}`, `/api/feed/timeline/${id}?limit=2`]) {
      const authorization = 'Bearer x'
      const answer = await fetch(lonely.url + path, { headers: { authorization } })
      expect([answer.status, answer.headers.get('x-cache')]).toEqual([200, 'stale'])
      expect(await answer.json()).toEqual({ posts: [] })
      const refused = await fetch(lonely.url + path)
      expect(refused.status).toBe(401)
      expect(refused.headers.get('content-type')).toBe('application/problem+json')
      expect(await refused.json()).toMatchObject({ trace_id: refused.headers.get('x-trace-id') })
    }
    const further = await fetch(`${lonely.url}/api/timeline/${id}?cursor=c`, {
      headers: { authorization: 'Bearer x' },
    })
    expect([further.status, further.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await further.json()).toMatchObject({ status: 503, title: 'Service Unavailable' })
  })

  test.each([
    ['POST', `/api/users/${id}`],
    ['POST', `/api/timeline/${id}`],
    ['GET', `/api/posts/${id}`],
    ['POST', '/api/posts'],
    ['GET', `/api/feed/posts/user/${id}`],
    ['GET', `/api/users/${id}/followers`],
    ['GET', '/api/users/search'],
    ['GET', '/api/users/1'],
  ])('is not asked for by %s %s', async (method, path) => {
    const before = asked.length
    expect((await fetch(lonely.url + path, { method })).status).toBe(503)
    expect(asked).toHaveLength(before)
  })

  test('is taken from nowhere but the service while it answers, whatever it says', async () => {
    await using _ = await startEcho(lonely.ports.profile)
    await using __ = await startEcho(lonely.ports.feed)
    const before = asked.length
    expect((await fetch(`${lonely.url}/api/users/${id}`)).headers.has('x-cache')).toBe(false)
    expect((await fetch(`${lonely.url}/api/timeline/${id}`)).headers.has('x-cache')).toBe(false)
    expect((await fetch(`${lonely.url}/api/users/${id}/fail`)).status).toBe(500)
    expect(asked).toHaveLength(before)
  })

  test('and the side process away as well is 503', async () => {
    await using bare = await startGateway()
    const answer = await fetch(`${bare.url}/api/users/${id}`)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
  })
})

test('with telemetry off there is no log, no trace header and no trace id', async () => {
  await using quiet = await startGateway({ CLEW_TELEMETRY: 'off' })
  await using _ = await startEcho(quiet.ports.profile)
  const headers = { traceparent: `00-${trace}-${caller}-01`, baggage: 'clew.run=r' }
  const answer = await fetch(`${quiet.url}/api/users/1`, { headers })
  const { headers: upstream } = await json(answer)
  for (const name of ['traceparent', 'baggage', 'x-trace-id', 'x-span-id', 'x-parent-id']) {
    expect(upstream).not.toHaveProperty(name)
  }
  expect(answer.headers.has('traceresponse')).toBe(false)
  expect(await (await fetch(`${quiet.url}/nope`)).json()).not.toHaveProperty('trace_id')
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(await quiet.logged()).toEqual([])
})
