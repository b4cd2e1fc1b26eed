import { createClient, type RedisClientType } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Person, type Service, startService } from './service.ts'
import { cacheOf, createVillage, idsOf } from './village.ts'

let service: Service
let village: ReturnType<typeof createVillage>
let redis: RedisClientType

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

const path = (reader: Person, limit = 10) =>
  `/api/timeline/${reader.id}?order=ranked&limit=${limit}`

/** A reader, and their own posts in the order they will be ranked: a few are liked a lot. */
async function someReader(posts = 30) {
  const reader = await service.person()
  const ids = (await village.posts(reader, posts)).reverse()
  const liked = [ids[20], ids[10]] as string[]
  await service.owner.query('update posts set like_count = 1000 where id = $1', [liked[0]])
  await service.owner.query('update posts set comment_count = 100 where id = $1', [liked[1]])
  return { reader, ranked: [...liked, ...ids.filter((id) => !liked.includes(id))] }
}

test('what is talked about comes first, what is new next', async () => {
  const { reader, ranked } = await someReader()
  const pages = await village.walk(path(reader), reader)
  expect(idsOf(...pages)).toEqual(ranked)
  expect(pages.at(-1)?.body.next_cursor).toBeNull()
  expect(cacheOf(pages[1]!)).toBe('hit')
  expect(pages[0]?.body.posts[0]).toMatchObject({ like_count: 1000, liked: false })
})

test('later pages go on in the order of the first, whatever is liked or posted meanwhile', async () => {
  const { reader, ranked } = await someReader()
  let last = ranked.length
  const pages = await village.walk(path(reader), reader, async () => {
    const token = reader.token
    await service.ask('POST', `/api/posts/${ranked[--last]}/like`, { token })
    await service.ask('POST', '/api/posts', { token, body: { content: 'new' } })
  })
  expect(idsOf(...pages)).toEqual(ranked)
})

test('a deleted post is left out, and the page filled up', async () => {
  const { reader, ranked } = await someReader()
  const first = await service.ask('GET', path(reader), { token: reader.token })
  await service.ask('DELETE', `/api/posts/${ranked[12]}`, { token: reader.token })
  const second = await service.ask('GET', `${path(reader)}&cursor=${first.body.next_cursor}`, {
    token: reader.token,
  })
  expect(idsOf(second)).toEqual([...ranked.slice(10, 12), ...ranked.slice(13, 21)])
})

test('an order that is no longer kept is made anew, and gone on with at the same place', async () => {
  const { reader, ranked } = await someReader()
  const first = await service.ask('GET', path(reader), { token: reader.token })
  expect(await redis.del(`feed:ranked:${reader.id}`)).toBe(1)
  const cursor = first.body.next_cursor
  const rest = await village.walk(`${path(reader)}&page=2`, reader)
  const second = await service.ask('GET', `${path(reader)}&cursor=${cursor}`, {
    token: reader.token,
  })
  expect(idsOf(second)).toEqual(ranked.slice(10, 20))
  expect(idsOf(rest[0]!)).toEqual(ranked.slice(10, 20))
  const third = await service.ask('GET', `${path(reader)}&cursor=${second.body.next_cursor}`, {
    token: reader.token,
  })
  expect(idsOf(third)).toEqual(ranked.slice(20))
  expect(cacheOf(third)).toBe('hit')
})

test('however often a first page is read, one order is kept of each reader', async () => {
  const { reader } = await someReader()
  for (let round = 0; round < 3; round++) {
    await service.ask('GET', path(reader), { token: reader.token })
  }
  const kept: string[] = []
  for await (const keys of redis.scanIterator({ MATCH: `feed:ranked:${reader.id}*` })) {
    kept.push(...keys)
  }
  expect(kept).toEqual([`feed:ranked:${reader.id}`])
})

test('of two hundred posts the order is made; the rest is not in it', async () => {
  const reader = await service.person()
  const all = (await village.posts(reader, 230)).reverse()
  const pages = await village.walk(path(reader, 50), reader)
  expect(idsOf(...pages)).toEqual(all.slice(0, 200))
})

test('nothing to rank is an empty page', async () => {
  const reader = await service.person()
  const { body } = await service.ask('GET', path(reader), { token: reader.token })
  expect(body).toEqual({ posts: [], count: 0, next_cursor: null })
})
