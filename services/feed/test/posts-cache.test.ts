import { setTimeout as sleep } from 'node:timers/promises'
import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openRedis, type Redis, RedisAway } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createLiked, type Liked, likedKey } from '../src/liked.ts'
import { countsKey, keysOf, postKey } from '../src/post-text.ts'
import { createPostsCache, type PostsCache } from '../src/posts-cache.ts'
import { createPostsWriter, createPostsWrites, removeKeys } from '../src/posts-writer.ts'
import { createStore, type Store } from '../src/store.ts'
import { createCounted } from './counted.ts'

vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '2000'
})

// `meanwhile` happens between what Postgres said and what a reader fills in.
const stack = new AsyncDisposableStack()
const author = uuid()
let postgres: Postgres
let url: string
let connection: Redis
let redis: RedisClientType
let cache: PostsCache
let liked: Liked
let meanwhile: () => Promise<unknown>
let statements: number

beforeAll(async () => {
  postgres = stack.use(openPostgres(stack.use(await openTestDatabase('feed')).url))
  url = stack.use(await openTestRedis('feed')).url
  connection = stack.use(await openRedis(url))
  redis = createClient({ url })
  await redis.connect()
  stack.defer(() => redis.destroy())
  const store = createStore(postgres)
  const slowly = async <Result>(found: Promise<Result>) => {
    statements++
    const result = await found
    await meanwhile()
    return result
  }
  const slowStore: Store = {
    ...store,
    findPosts: (...given) => slowly(store.findPosts(...given)),
    findLikes: (...given) => slowly(store.findLikes(...given)),
  }
  const metrics = stack.use(createStatsD('feed_service'))
  const overdue = createOverdue(connection, createLogger('feed'), removeKeys)
  cache = createPostsCache(connection, slowStore, metrics, overdue)
  liked = createLiked(connection, slowStore, metrics, overdue)
  await postgres.query(
    `insert into authors (id, username, display_name) values ($1, 'a', 'A "quoted" name')`,
    [author],
  )
})
beforeEach(() => {
  meanwhile = async () => {}
  statements = 0
})
afterAll(() => stack.disposeAsync())

async function write(content = 'old'): Promise<string> {
  const id = uuid()
  await postgres.query('insert into posts (id, user_id, content) values ($1, $2, $3)', [
    id,
    author,
    content,
  ])
  return id
}

function withPort(address: string, port: number): string {
  return Object.assign(new URL(address), { port: `${port}` }).href
}

async function readOne(id: string) {
  const { posts, hit } = await cache.readMany([id])
  const post = posts[0]
  return post ? { ...JSON.parse(`${post.body}}`), likes: post.likes, hit } : { none: true, hit }
}

test('what is filled in is what Postgres has, and lasts about an hour', async () => {
  const id = await write('a "word" and \u2028 a line')
  const first = await readOne(id)
  const second = await readOne(id)
  expect([first.hit, second.hit]).toEqual([false, true])
  expect({ ...second, hit: false }).toEqual(first)
  expect(second).toMatchObject({
    id,
    content: 'a "word" and \u2028 a line',
    author: { user_id: author, display_name: 'A "quoted" name', avatar_url: null },
    likes: '0',
  })
  for (const key of [postKey(id), countsKey(id)]) {
    expect(await redis.ttl(key)).toBeGreaterThan(3_200)
    expect(await redis.ttl(key)).toBeLessThanOrEqual(3_960)
  }
})

test('that there is none is remembered, but not for long', async () => {
  const id = uuid()
  expect(await readOne(id)).toEqual({ none: true, hit: false })
  expect(await readOne(id)).toEqual({ none: true, hit: true })
  expect(await redis.ttl(postKey(id))).toBeLessThanOrEqual(10)
})

test('many who miss the same post at once wait for one statement', async () => {
  const [one, two, three] = [await write(), await write(), await write()]
  const reads = [[one, two], [two, three], [one, two, three], [three]]
  const found = await Promise.all(reads.map((ids) => cache.readMany(ids)))
  expect(statements).toBe(2)
  for (const [at, ids] of reads.entries()) {
    expect(found[at]?.posts.map((post) => post && JSON.parse(`${post.body}}`).id)).toEqual(ids)
  }
})

test('what was read before an edit is not filled in after it', async () => {
  const id = await write()
  meanwhile = async () => {
    await postgres.query(`update posts set content = 'new' where id = $1`, [id])
    await cache.hold([id])
    meanwhile = async () => {}
  }
  await readOne(id)
  expect(await redis.get(postKey(id))).toBe('?')
  expect(await redis.ttl(postKey(id))).toBeLessThanOrEqual(5)
  expect(await readOne(id)).toMatchObject({ content: 'new', hit: false })
})

test('who reads after an edit does not wait for somebody who began before it', async () => {
  const id = await write()
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  meanwhile = async () => {
    asked.resolve()
    await gate.promise
  }
  const early = readOne(id)
  await asked.promise
  await postgres.query(`update posts set content = 'new' where id = $1`, [id])
  await cache.hold([id])
  meanwhile = async () => {}
  expect(await readOne(id)).toMatchObject({ content: 'new' })
  gate.resolve()
  expect(await early).toMatchObject({ content: 'old' })
})

test('what was read before a deletion is not filled in after it', async () => {
  const id = await write()
  meanwhile = async () => {
    await postgres.query('delete from posts where id = $1', [id])
    await cache.bury([id])
    meanwhile = async () => {}
  }
  await readOne(id)
  expect(await readOne(id)).toEqual({ none: true, hit: true })
})

test('thousands are buried a few hundred at a time', async () => {
  const ids = Array.from({ length: 1_001 }, () => uuid())
  for (const id of ids) await redis.set(countsKey(id), '0,0,0')
  const sent: (number | undefined)[] = []
  const writes = createPostsWrites(async ({ call }) => {
    sent.push(call.batch)
    await connection.run(call)
  })
  await writes.bury(ids)
  expect(sent).toEqual([501, 501, 2])
  expect(await redis.mGet(ids.map(postKey))).toEqual(ids.map(() => '-'))
  expect(await redis.exists(ids.map(countsKey))).toBe(0)
})

test('a writer that must not fail unnoticed says that Redis is away, and until then writes the same', async () => {
  const id = await write()
  const writer = createPostsWriter(connection)
  await writer.setCounts(id, 3, 0, 3)
  expect(await redis.get(countsKey(id))).toBe('3,0,3')
  await writer.hold([id])
  expect(await redis.get(postKey(id))).toBe('?')
  await writer.bury([id])
  expect(await redis.get(postKey(id))).toBe('-')
  await using away = await openRedis('redis://127.0.0.1:1')
  const strict = createPostsWriter(away)
  await expect(strict.hold([id])).rejects.toThrow(RedisAway)
  await expect(strict.bury([id])).rejects.toThrow(RedisAway)
  await expect(strict.setCounts(id, 4, 0, 4)).rejects.toThrow(RedisAway)
})

test('a deleted post is a hit of its body, and none of counts that it cannot have', async () => {
  const [id, gone] = [await write(), await write()]
  await cache.bury([gone])
  const counted = createCounted()
  const { readMany } = createPostsCache(
    connection,
    createStore(postgres),
    counted.metrics,
    createOverdue(connection, createLogger('feed'), removeKeys),
  )
  for (const hits of [0, 1]) {
    await readMany([id, gone])
    expect(counted.take('post')).toEqual([1 + hits, 1 - hits])
    expect(counted.take('counts')).toEqual([hits, 1 - hits])
  }
})

test('newer counts refuse older ones, in whatever order they come', async () => {
  const id = await write()
  await cache.setCounts(id, 3, 0, 3)
  await cache.setCounts(id, 2, 0, 2)
  expect(await redis.get(countsKey(id))).toBe('3,0,3')
  await cache.setCounts(id, 10, 1, 10)
  await cache.setCounts(id, 9, 0, 9)
  expect(await redis.get(countsKey(id))).toBe('10,1,10')
  await readOne(id)
  expect(await readOne(id)).toMatchObject({ likes: '10', hit: true })
})

test('counts read before a like are not filled in after it', async () => {
  const id = await write()
  meanwhile = () => cache.setCounts(id, 1, 0, 1)
  await readOne(id)
  expect(await readOne(id)).toMatchObject({ likes: '1', hit: true })
})

test('a share names its original, and one whose original is gone says so', async () => {
  const [original, share] = [await write(), uuid()]
  await postgres.query(
    `insert into posts (id, user_id, content, is_share, shared_post_id) values ($1, $2, 'x', true, $3)`,
    [share, author, original],
  )
  for (const hit of [false, true]) {
    const found = await cache.readMany([share, original])
    expect(found).toMatchObject({ hit, posts: [{ original }, { original: undefined }] })
  }
  await postgres.query('delete from posts where id = $1', [original])
  await redis.del(postKey(share))
  for (const hit of [false, true]) {
    expect(await cache.readMany([share])).toMatchObject({ hit, posts: [{ original: null }] })
  }
})

test('a share brings what it shares, by the same statement, and both are kept', async () => {
  const [original, share] = [await write('first'), uuid()]
  await postgres.query(
    `insert into posts (id, user_id, content, is_share, shared_post_id) values ($1, $2, 'x', true, $3)`,
    [share, author, original],
  )
  const [loaded] = (await cache.readMany([share])).posts
  expect(JSON.parse(`${loaded?.shared?.body}}`)).toMatchObject({ id: original, content: 'first' })
  expect(await readOne(original)).toMatchObject({ content: 'first', hit: true })
  // The share is kept, what it shares is not, and neither is something else.
  await redis.del(keysOf([original]))
  const [kept] = (await cache.readMany([share, await write()])).posts
  expect(JSON.parse(`${kept?.shared?.body}}`)).toMatchObject({ id: original })
  expect(statements).toBe(2)
})

test('what a writer could not tell Redis is not filled in by who read before, once it is back', async () => {
  const id = await write()
  await using link = await openLink(Number(new URL(url).port))
  await using through = await openRedis(withPort(url, link.port))
  const overdue = createOverdue(through, createLogger('feed'), removeKeys)
  const slow = { ...createStore(postgres) }
  const { findPosts } = slow
  slow.findPosts = async (ids) => {
    const rows = await findPosts(ids)
    link.cut()
    await changed.setCounts(id, 1, 0, 1)
    link.mend()
    while (overdue.has(countsKey(id))) await sleep(20)
    return rows
  }
  await using metrics = createStatsD('feed_service')
  const changed = createPostsCache(through, slow, metrics, overdue)
  await changed.readMany([id])
  expect(await redis.get(postKey(id))).not.toBeNull()
  expect(await redis.get(countsKey(id))).toBeNull()
})

async function like(viewer: string, ids: string[]): Promise<void> {
  await postgres.query(
    'insert into likes (user_id, post_id) select $1, id from unnest($2::uuid[]) id',
    [viewer, ids],
  )
}

test('whom a post is liked by is read once, and a like or its end is known at once', async () => {
  const viewer = uuid()
  const ids = [await write(), await write(), await write()].reverse() as [string, string, string]
  await like(viewer, [ids[1]])
  expect((await liked.read(viewer, ids)).liked).toEqual([false, true, false])
  await cache.setCounts(ids[0], 1, 0, 1, { viewer, on: true })
  await cache.setCounts(ids[1], 0, 0, 2, { viewer, on: false })
  expect((await liked.read(viewer, ids)).liked).toEqual([true, false, false])
  await cache.setCounts(ids[1], 1, 0, 1, { viewer, on: true })
  expect((await liked.read(viewer, ids)).liked).toEqual([true, false, false])
  expect(statements).toBe(1)
})

test('likes read before another like are not what stays', async () => {
  const viewer = uuid()
  const id = await write()
  meanwhile = () => cache.setCounts(id, 1, 0, 1, { viewer, on: true })
  await liked.read(viewer, [id])
  expect((await liked.read(viewer, [id])).liked).toEqual([true])
  expect(statements).toBe(1)
  expect(await redis.ttl(likedKey(viewer))).toBeGreaterThan(3_000)
})

test('a like read before its end is not what stays', async () => {
  const viewer = uuid()
  const id = await write()
  await like(viewer, [id])
  meanwhile = () => cache.setCounts(id, 0, 0, 2, { viewer, on: false })
  await liked.read(viewer, [id])
  expect((await liked.read(viewer, [id])).liked).toEqual([false])
})

test('of somebody who likes thousands the newest are kept, and older ones are asked for', async () => {
  const viewer = uuid()
  const [oldLiked, oldOther] = [await write(), await write()]
  const rows = await postgres.query<{ id: string }>(
    `insert into posts (id, user_id, content)
     select uuidv7(), $1, 'x' from generate_series(1, 2500) returning id`,
    [author],
  )
  const many = rows.map(({ id }) => id).sort()
  await like(viewer, [oldLiked, ...many])
  const newest = many.slice(-3)
  expect((await liked.read(viewer, newest)).liked).toEqual([true, true, true])
  expect((await liked.read(viewer, newest)).liked).toEqual([true, true, true])
  expect(statements).toBe(1)
  expect(await redis.hLen(likedKey(viewer))).toBe(2_001)
  for (let round = 0; round < 2; round++) {
    const page = [newest[0] as string, oldOther, oldLiked]
    expect((await liked.read(viewer, page)).liked).toEqual([true, false, true])
  }
  // However much they scroll, no more is kept of them.
  expect(await redis.hLen(likedKey(viewer))).toBe(2_001)
  expect(statements).toBe(3)
})
