import { writeCursor } from '@clew/kit/cursor'
import { createClient, type RedisClientType } from 'redis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Answer, type Person, type Service, startService } from './service.ts'
import { cacheOf, createVillage, idsOf } from './village.ts'

// Exact: a span, a statement or a round trip more is a decision, and is made here and in README.md.
let service: Service
let village: ReturnType<typeof createVillage>
let redis: RedisClientType
let reader: Person
let author: Person

beforeAll(async () => {
  service = await startService()
  village = createVillage(service)
  redis = createClient({ url: service.redisUrl })
  await redis.connect()
})
afterAll(async () => {
  redis.destroy()
  await service[Symbol.asyncDispose]()
})
beforeEach(async () => {
  reader = await service.person()
  author = await service.person()
  village.follow(reader, [author])
  await village.posts(author, 30)
})

async function below(answer: Answer): Promise<string[]> {
  return (await service.spanNames(answer)).slice(1)
}

function isStatement(name: string): boolean {
  return /^(SELECT|INSERT|UPDATE|DELETE|BEGIN|COMMIT|QUERY)/.test(name)
}

test('a cached timeline is one list read, one multi-get and one look at the likes', async () => {
  await village.read(reader)
  const hit = await village.read(reader)
  expect(cacheOf(hit)).toBe('hit')
  expect(await service.spanNames(hit)).toEqual([
    'GET /api/timeline/{user_id}',
    'EVAL timeline',
    'MGET post',
    'HMGET liked',
  ])
  const trace = hit.headers.get('x-trace-id')
  const reads = service.spans().filter((span) => span.traceId === trace && span.kind === 'CLIENT')
  expect(reads.map(({ attributes }) => attributes['cache.hit']?.value)).toEqual([true, true, true])
  expect(reads.map(({ attributes }) => attributes['db.operation.batch.size'])).toEqual(
    Array(3).fill(undefined),
  )
})

test('a timeline that is nowhere costs three statements and one call', async () => {
  expect(await below(await village.read(reader))).toEqual([
    'EVAL timeline',
    'EVAL timeline',
    'GET following',
    'SET following',
    'GET /internal/users/{id}/following',
    'EVAL following',
    'SELECT posts',
    'EVAL timeline',
    'MGET post',
    'SELECT posts',
    'SET post',
    'HMGET liked',
    'SELECT likes',
    'EVAL liked',
  ])
})

test('however many are followed', async () => {
  const many = await Promise.all(Array.from({ length: 120 }, () => service.person()))
  for (const person of many) await village.posts(person, 2)
  village.follow(reader, many)
  const names = await below(await village.read(reader))
  expect(names.filter(isStatement)).toHaveLength(3)
  expect(names.filter((name) => name.startsWith('GET /'))).toHaveLength(1)
  expect(await below(await village.read(reader))).toHaveLength(3)
})

test('a list that expired costs one statement', async () => {
  await village.read(reader)
  await redis.del([`feed:timeline:${reader.id}`, `feed:celebrities:${reader.id}`])
  expect(await below(await village.read(reader))).toEqual([
    'EVAL timeline',
    'EVAL timeline',
    'GET following',
    'SELECT posts',
    'EVAL timeline',
    'MGET post',
    'HMGET liked',
  ])
})

test('a celebrity is merged in by the same read, and costs a statement when their list is missing', async () => {
  await service.owner.query('update authors set celebrity = true where id = $1', [author.id])
  await village.read(reader)
  const cold = await below(await village.read(reader))
  expect(cold).toEqual([
    'EVAL timeline',
    'EVAL author',
    'SELECT posts',
    'EVAL author',
    'EVAL timeline',
    'MGET post',
    'HMGET liked',
  ])
  expect(await below(await village.read(reader))).toEqual([
    'EVAL timeline',
    'MGET post',
    'HMGET liked',
  ])
})

test('shared posts travel with the likes', async () => {
  const [shared] = await village.posts(await service.person(), 1)
  const options = { token: reader.token, body: { content: 'look' } }
  await service.ask('POST', `/api/posts/${shared}/share`, options)
  await village.read(reader)
  const hit = await village.read(reader)
  expect(hit.body.posts[0]).toMatchObject({ content: 'look', shared_post: { id: shared } })
  expect(await below(hit)).toEqual(['EVAL timeline', 'MGET post', 'HMGET liked'])
  const trace = hit.headers.get('x-trace-id')
  const last = service.spans().find((span) => span.traceId === trace && span.name === 'HMGET liked')
  expect(last?.attributes['db.operation.batch.size']?.value).toBe(2)
  const open = `/api/posts/user/${reader.id}`
  await service.ask('GET', open)
  expect(await below(await service.ask('GET', open))).toEqual([
    'EVAL author',
    'MGET post',
    'MGET post',
  ])
})

test('a miss costs three statements with shares and celebrities too, whatever else is cached', async () => {
  const [star, stranger] = [await service.person(), await service.person()]
  const [shared] = await village.posts(stranger, 1)
  village.follow(reader, [author, star])
  await village.posts(star, 30)
  await service.owner.query('update authors set celebrity = true where id = $1', [star.id])
  const body = { content: 'look' }
  await service.ask('POST', `/api/posts/${shared}/share`, { token: reader.token, body })
  const statements = async (answer: Answer) => (await below(answer)).filter(isStatement)
  const original = [`feed:post:${shared}`, `feed:counts:${shared}`]
  const timeline = [`feed:timeline:${reader.id}`, `feed:celebrities:${reader.id}`]
  const [old] = idsOf(await village.read(reader)).slice(-1)
  // Nothing at all is cached; then all but the share; then all but the list of the celebrity.
  for (const [lost, list] of [
    [[...timeline, `feed:author:${star.id}`], []],
    [[], [`feed:author:${star.id}`]],
  ] as const) {
    await redis.del([...lost, ...list, ...original, `feed:post:${old}`, `feed:liked:${reader.id}`])
    const page = await village.read(reader)
    expect(page.body.posts).toContainEqual(
      expect.objectContaining({
        content: 'look',
        shared_post: expect.objectContaining({ id: shared }),
      }),
    )
    expect(await statements(page)).toEqual(['SELECT posts', 'SELECT posts', 'SELECT likes'])
  }
})

test('deep in a timeline, and in the posts of one author, a miss costs no more', async () => {
  const star = await service.person()
  village.follow(reader, [author, star])
  const all = (await village.posts(star, 900)).reverse()
  const path = `/api/posts/user/${star.id}?limit=50&cursor=`
  const cursor = writeCursor(`author:${star.id}`, all[840] ?? '')
  const deep = await service.ask('GET', path + cursor, { token: reader.token })
  expect(idsOf(deep)).toEqual(all.slice(841, 891))
  expect((await below(deep)).filter(isStatement)).toHaveLength(3)
  await service.owner.query('update authors set celebrity = true where id = $1', [star.id])
  await village.read(reader)
  await redis.del([`feed:author:${star.id}`, `feed:liked:${reader.id}`])
  const cursorBelow = writeCursor(`timeline:${reader.id}`, all[800] ?? '')
  const page = await village.read(reader, `?cursor=${cursorBelow}`)
  expect(idsOf(page)).toEqual(all.slice(801, 821))
  expect((await below(page)).filter(isStatement).length).toBeLessThanOrEqual(3)
})

test('one post, and the posts of one author', async () => {
  const [id] = await village.posts(author, 1)
  const one = `/api/posts/${id}`
  expect(await below(await service.ask('GET', one))).toEqual([
    'MGET post',
    'SELECT posts',
    'SET post',
  ])
  expect(await below(await service.ask('GET', one))).toEqual(['MGET post'])
  const list = `/api/posts/user/${author.id}`
  await service.ask('GET', list)
  expect(await below(await service.ask('GET', list))).toEqual(['EVAL author', 'MGET post'])
})

test('a ranked timeline: the first page keeps the order, the next reads it', async () => {
  await village.read(reader)
  const ranked = '?order=ranked&limit=10'
  await village.read(reader, ranked)
  const first = await village.read(reader, ranked)
  expect(await below(first)).toEqual(['EVAL timeline', 'MGET post', 'SET ranked', 'HMGET liked'])
  const next = await village.read(reader, `${ranked}&cursor=${first.body.next_cursor}`)
  expect(await below(next)).toEqual(['GET ranked', 'MGET post', 'HMGET liked'])
})

test('a page of what is deleted costs no statement', async () => {
  const [id] = await village.posts(reader, 1)
  await village.read(reader, '?limit=50')
  await service.ask('DELETE', `/api/posts/${id}`, { token: reader.token })
  const names = await below(await village.read(reader, '?limit=50'))
  expect(names.filter(isStatement)).toEqual([])
})
