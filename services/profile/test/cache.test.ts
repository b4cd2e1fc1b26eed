import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Service, startService, waitUntil } from './service.ts'

let service: Service
let redis: RedisClientType

beforeAll(async () => {
  service = await startService()
  redis = createClient({ url: service.redisUrl })
  await redis.connect()
})
afterAll(async () => {
  redis.destroy()
  await service[Symbol.asyncDispose]()
})

function read(id: string): Promise<Answer> {
  return service.ask('GET', `/api/users/${id}`)
}

function from(answer: Answer): string | null {
  return answer.headers.get('x-cache')
}

test('the second read is a hit, and the same', async () => {
  const { id } = await service.person()
  const [first, second] = [await read(id), await read(id)]
  expect([from(first), from(second)]).toEqual(['miss', 'hit'])
  expect(second.body).toEqual(first.body)
  expect(await redis.ttl(`profile:profile:${id}`)).toBeGreaterThan(3_000)
  expect(await redis.ttl(`profile:profile:${id}`)).toBeLessThanOrEqual(3_960)
})

test('the first page of a list is a hit the second time, other pages are read anew', async () => {
  const { id } = await service.person()
  for (const list of ['followers', 'following']) {
    const path = `/api/users/${id}/${list}`
    expect(from(await service.ask('GET', path))).toBe('miss')
    expect(from(await service.ask('GET', path))).toBe('hit')
    expect(from(await service.ask('GET', `${path}?limit=5`))).toBe('miss')
    expect(await redis.ttl(`profile:${list}:${id}`)).toBeGreaterThan(250)
    expect(await redis.ttl(`profile:${list}:${id}`)).toBeLessThanOrEqual(330)
  }
})

test('that there is nobody is remembered, but not for long', async () => {
  const id = uuid()
  const first = await read(id)
  const second = await read(id)
  expect([first.status, second.status]).toEqual([404, 404])
  expect(await service.spanNames(second)).toEqual(['GET /api/users/{id}', 'GET profile'])
  expect(await redis.ttl(`profile:profile:${id}`)).toBeLessThanOrEqual(10)
})

test('many who miss at once cost one statement', async () => {
  const { id } = await service.person()
  await redis.del(`profile:profile:${id}`)
  const answers = await Promise.all(Array.from({ length: 30 }, () => read(id)))
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]))
  const names = await Promise.all(answers.map((answer) => service.spanNames(answer)))
  const missed = answers.filter((answer) => from(answer) === 'miss')
  expect(missed.length).toBeGreaterThan(1)
  expect(names.flat().filter((name) => name === 'SELECT profiles')).toHaveLength(1)
})

test('what was read before a change is not filled in after it', async () => {
  const { id, token } = await service.person('before')
  await redis.del(`profile:profile:${id}`)
  // Holds the table, so that the reader has claimed the key and waits in Postgres.
  const locked = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const held = service.owner.transaction(async (tx) => {
    await tx.query('lock table profiles in access exclusive mode')
    locked.resolve()
    await released.promise
  })
  await locked.promise
  const reading = read(id)
  await waitUntil(async () => Boolean(await redis.exists(`profile:profile:${id}`)))
  // What a change in another process does when it is done.
  await redis.del(`profile:profile:${id}`)
  released.resolve()
  await Promise.all([held, reading])
  expect(await redis.exists(`profile:profile:${id}`)).toBe(0)
  await service.ask('POST', `/api/users/${id}/profile`, { token, body: { display_name: 'after' } })
  expect((await read(id)).body.display_name).toBe('after')
})

test('without Redis reads come from Postgres, and what changed meanwhile is right when it is back', async () => {
  const [alice, bob] = [await service.person(), await service.person()]
  expect((await read(bob.id)).body.follower_count).toBe(0)
  service.redis.cut()
  expect(from(await read(bob.id))).toBe('miss')
  const followed = await service.ask('POST', `/api/users/${bob.id}/follow`, {
    token: alice.token,
  })
  expect(followed.status).toBe(201)
  expect((await read(bob.id)).body.follower_count).toBe(1)
  // The old answer is still in Redis, and must not come back with it.
  expect(await redis.get(`profile:profile:${bob.id}`)).toContain('"follower_count":0')
  service.redis.mend()
  await waitUntil(async () => from(await read(bob.id)) === 'hit')
  expect((await read(bob.id)).body.follower_count).toBe(1)
})

test('a Redis that hangs holds nobody up for long', async () => {
  const { id } = await service.person()
  await read(id)
  service.redis.stall()
  const answer = await Promise.race([read(id), sleep(5_000)])
  expect(answer).toMatchObject({ status: 200 })
  service.redis.mend()
  await waitUntil(async () => from(await read(id)) === 'hit')
})

test('without Postgres what is cached is served, and writes are refused with nothing half done', async () => {
  const [alice, bob] = [await service.person(), await service.person()]
  await read(alice.id)
  await service.ask('GET', `/api/users/${alice.id}/followers`)
  service.database.cut()
  expect(await read(alice.id)).toMatchObject({ status: 200 })
  expect((await service.ask('GET', `/api/users/${alice.id}/followers`)).status).toBe(200)
  const uncached = await read(bob.id)
  expect(uncached).toMatchObject({ status: 503, body: { status: 503 } })
  expect(uncached.headers.get('retry-after')).toBe('1')
  const writes: [string, string, object?][] = [
    ['POST', `/api/users/${bob.id}/follow`],
    ['DELETE', `/api/users/${bob.id}/follow`],
    ['POST', `/api/users/${alice.id}/profile`, { bio: 'lost' }],
  ]
  for (const [method, path, body] of writes) {
    const answer = await service.ask(method, path, {
      token: alice.token,
      ...(body && { body }),
    })
    expect(answer.status).toBe(503)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  }
  expect((await service.ask('GET', '/readyz')).status).toBe(503)
  expect((await service.ask('GET', '/livez')).status).toBe(200)
  service.database.mend()
  await waitUntil(async () => (await read(bob.id)).status === 200)
  expect((await read(bob.id)).body.follower_count).toBe(0)
  expect((await read(alice.id)).body).toMatchObject({ bio: '', following_count: 0 })
})
