import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Person, type Service, startService } from './service.ts'

// Exact: a span, a statement or a round trip more is a decision, and is made here and in README.md.
let service: Service
let alice: Person
let bob: Person

beforeAll(async () => {
  service = await startService()
  alice = await service.person('alice')
  bob = await service.person('bob')
})
afterAll(() => service[Symbol.asyncDispose]())

function ask(method: string, path: string, body?: object): Promise<Answer> {
  return service.ask(method, path, { token: alice.token, ...(body && { body }) })
}

test('a profile: four operations on a miss, one on a hit', async () => {
  const path = `/api/users/${bob.id}`
  const [miss, hit] = [await ask('GET', path), await ask('GET', path)]
  expect(await service.spanNames(miss)).toEqual([
    'GET /api/users/{id}',
    'GET profile',
    'SET profile',
    'SELECT profiles',
    'EVAL profile',
  ])
  expect(await service.spanNames(hit)).toEqual(['GET /api/users/{id}', 'GET profile'])
  const read = service.spans().find((span) => {
    return span.traceId === hit.headers.get('x-trace-id') && span.name === 'GET profile'
  })
  expect(read?.attributes['cache.hit']).toEqual({ type: 'boolean', value: true })
})

test('follow, and no longer', async () => {
  const path = `/api/users/${bob.id}/follow`
  expect(await service.spanNames(await ask('POST', path))).toEqual([
    'POST /api/users/{id}/follow',
    'BEGIN',
    'INSERT follows',
    'UPDATE profiles',
    'publish events:profile',
    'INSERT outbox',
    'COMMIT',
    'DEL profile',
  ])
  expect(await service.spanNames(await ask('DELETE', path))).toEqual([
    'DELETE /api/users/{id}/follow',
    'BEGIN',
    'DELETE follows',
    'UPDATE profiles',
    'publish events:profile',
    'INSERT outbox',
    'COMMIT',
    'DEL profile',
  ])
})

test('a refused follow is rolled back and leaves no error', async () => {
  const path = `/api/users/${bob.id}/follow`
  await ask('POST', path)
  const twice = await ask('POST', path)
  expect(await service.spanNames(twice)).toEqual([
    'POST /api/users/{id}/follow',
    'BEGIN',
    'INSERT follows',
    'SELECT follows',
    'ROLLBACK',
  ])
  const spans = service.spans().filter((span) => span.traceId === twice.headers.get('x-trace-id'))
  expect(spans.map((span) => span.status)).toEqual(Array(5).fill('unset'))
})

test('lists', async () => {
  for (const list of ['followers', 'following']) {
    const path = `/api/users/${bob.id}/${list}`
    const [miss, hit] = [await ask('GET', path), await ask('GET', path)]
    expect(await service.spanNames(hit)).toEqual([`GET /api/users/{id}/${list}`, `GET ${list}`])
    expect((await service.spanNames(miss)).slice(0, 4)).toEqual([
      `GET /api/users/{id}/${list}`,
      `GET ${list}`,
      `SET ${list}`,
      'SELECT follows',
    ])
  }
})

test('search, a change, a new person', async () => {
  expect(await service.spanNames(await ask('GET', '/api/users/search?q=alice'))).toEqual([
    'GET /api/users/search',
    'SELECT profiles',
  ])
  const change = await ask('POST', `/api/users/${alice.id}/profile`, { bio: 'hello' })
  expect(await service.spanNames(change)).toEqual([
    'POST /api/users/{id}/profile',
    'BEGIN',
    'UPDATE profiles',
    'publish events:profile',
    'INSERT outbox',
    'COMMIT',
    'DEL profile',
  ])
  const body = { user_id: alice.id, username: 'alice', created_at: '2026-11-21T09:00:00.000Z' }
  expect(await service.spanNames(await ask('POST', '/internal/profiles', body))).toEqual([
    'POST /internal/profiles',
    'INSERT profiles',
    'SELECT profiles',
  ])
})

test('a path that leads nowhere has no route in its name', async () => {
  expect(await service.spanNames(await ask('GET', '/api/users/x/y/z'))).toEqual(['GET'])
})

test('nothing private is on a span', async () => {
  await ask('POST', `/api/users/${alice.id}/profile`, { bio: 'a secret', display_name: 'Zanzibar' })
  await service.spanNames(await ask('GET', '/api/users/search?q=Zanzibar'))
  const text = JSON.stringify(service.spans(), (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  for (const secret of ['a secret', 'Zanzibar', alice.token]) expect(text).not.toContain(secret)
})

test('a traceparent is continued, and a broken one is ignored', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const path = `/api/users/${bob.id}`
  const good = { traceparent: `00-${trace}-b7ad6b7169203331-01` }
  const answer = await service.ask('GET', path, { headers: good })
  expect(answer.headers.get('traceresponse')).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
  for (const traceparent of ['x', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`]) {
    const headers = { traceparent, baggage: `a=${'x'.repeat(9_000)}` }
    const other = await service.ask('GET', path, { headers })
    expect(other.status).toBe(200)
    expect(other.headers.get('x-trace-id')).not.toBe(trace)
  }
})

test('asked to stop, it stops in good order', async () => {
  expect(await service.stop()).toBe(0)
})
