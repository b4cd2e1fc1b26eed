import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Answer, type Person, type Service, startService, waitUntil } from './service.ts'
import { cacheOf, createVillage, idsOf } from './village.ts'

let service: Service
let village: ReturnType<typeof createVillage>
let redis: RedisClientType
let reader: Person
let author: Person
let all: string[]

beforeEach(async () => {
  service = await startService()
  village = createVillage(service)
  redis = createClient({ url: service.redisUrl })
  await redis.connect()
  reader = await service.person()
  author = await service.person()
  village.follow(reader, [author])
  all = [...(await village.posts(author, 20)), ...(await village.posts(reader, 20))].reverse()
})
afterEach(async () => {
  redis.destroy()
  await service[Symbol.asyncDispose]()
})

function like(id: string | undefined): Promise<Answer> {
  return service.ask('POST', `/api/posts/${id}/like`, { token: reader.token })
}

test('without Redis everything comes from Postgres, and what changed meanwhile is right when it is back', async () => {
  await village.read(reader)
  expect(cacheOf(await village.read(reader))).toBe('hit')
  service.redis.cut()
  const pages = await village.walk(`/api/timeline/${reader.id}?limit=15`, reader)
  expect(idsOf(...pages)).toEqual(all)
  expect(pages.map(cacheOf)).toEqual(['miss', 'miss', 'miss'])
  const ranked = await village.walk(`/api/timeline/${reader.id}?limit=15&order=ranked`, reader)
  expect(idsOf(...ranked)).toEqual(all)
  const [newest, edited, deleted] = all
  expect((await like(newest)).status).toBe(200)
  const change = { token: reader.token, body: { content: 'after' } }
  expect((await service.ask('PATCH', `/api/posts/${edited}`, change)).status).toBe(200)
  await service.ask('DELETE', `/api/posts/${deleted}`, { token: reader.token })
  const { body: made } = await service.ask('POST', '/api/posts', change)

  const check = async () => {
    const page = await village.read(reader)
    expect(idsOf(page).slice(0, 4)).toEqual([made.id, newest, edited, all[3]])
    expect(page.body.posts[1]).toMatchObject({ liked: true, like_count: 1 })
    expect(page.body.posts[2]).toMatchObject({ content: 'after' })
    return cacheOf(page)
  }
  await check()
  // The old state is still in Redis, and must not come back with it.
  expect(await redis.get(`feed:counts:${newest}`)).toBe('0,0,0')
  service.redis.mend()
  await waitUntil(async () => (await check()) === 'hit')
})

test('a Redis that hangs holds nobody up for long', async () => {
  await village.read(reader)
  service.redis.stall()
  for (let round = 0; round < 2; round++) {
    const answer = await Promise.race([village.read(reader), sleep(5_000)])
    expect(answer).toMatchObject({ status: 200 })
  }
  service.redis.mend()
  await waitUntil(async () => cacheOf(await village.read(reader)) === 'hit')
})

test('without Postgres what is cached is served, and the rest is a clear 503', async () => {
  await village.read(reader)
  await service.ask('GET', `/api/posts/${all[0]}`)
  const other = await service.person()
  service.database.cut()
  const page = await village.read(reader)
  expect([page.status, cacheOf(page)]).toEqual([200, 'hit'])
  expect((await service.ask('GET', `/api/posts/${all[0]}`)).status).toBe(200)
  const uncached = await Promise.all([
    village.read(reader, `?cursor=${page.body.next_cursor}`),
    village.read(other),
    service.ask('GET', `/api/posts/${uuid()}`),
    service.ask('GET', `/api/posts/user/${author.id}`),
  ])
  for (const answer of uncached) {
    expect(answer).toMatchObject({ status: 503, body: { status: 503 } })
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  }
  expect((await service.ask('GET', '/readyz')).status).toBe(503)
  service.database.mend()
  await waitUntil(async () => (await village.read(other)).status === 200)
})

test('without Postgres a post is shown without whether one likes it, when that is not cached', async () => {
  await village.read(reader)
  await redis.del(`feed:liked:${reader.id}`)
  service.database.cut()
  const page = await village.read(reader)
  expect(page.status).toBe(200)
  expect(idsOf(page)).toEqual(all.slice(0, 20))
  expect(page.body.posts[0]).not.toHaveProperty('liked')
})

test('without profile a timeline goes on while it or whom one follows is cached', async () => {
  await village.read(reader)
  const other = await service.person()
  service.profile.cut()
  expect((await village.read(reader)).status).toBe(200)
  await redis.del([`feed:timeline:${reader.id}`, `feed:celebrities:${reader.id}`])
  expect(idsOf(await village.read(reader))).toEqual(all.slice(0, 20))
  expect((await service.ask('GET', `/api/posts/user/${other.id}`)).status).toBe(200)
  const uncached = await village.read(other)
  expect(uncached).toMatchObject({ status: 503, body: { status: 503 } })
  service.profile.mend()
  await waitUntil(async () => (await village.read(other)).status === 200)
})

test('the claim of a timeline that could not be built does not stay in the way', async () => {
  service.profile.cut()
  expect((await village.read(reader)).status).toBe(503)
  service.profile.mend()
  await waitUntil(async () => (await village.read(reader)).status === 200)
  await waitUntil(async () => cacheOf(await village.read(reader)) === 'hit')
})
