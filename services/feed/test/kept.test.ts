import { readCursor } from '@clew/kit/cursor'
import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openRedis, type Redis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { openTestRedis } from '@clew/tests/service-database'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createKeptTimelines, type KeptTimelines } from '../src/kept.ts'
import { createLists, type Lists } from '../src/lists.ts'
import { createPostsCache, type PostsCache } from '../src/posts-cache.ts'
import { removeKeys } from '../src/posts-writer.ts'
import type { PostRow, Store } from '../src/store.ts'

vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '2000'
})

const stack = new AsyncDisposableStack()
let redis: Redis
let inspect: RedisClientType
let lists: Lists
let cache: PostsCache
let kept: KeptTimelines

beforeAll(async () => {
  const { url } = stack.use(await openTestRedis('feed'))
  redis = stack.use(await openRedis(url))
  inspect = createClient({ url })
  await inspect.connect()
  stack.defer(() => inspect.destroy())
  const metrics = stack.use(createStatsD('feed_service'))
  const overdue = createOverdue(redis, createLogger('feed'), removeKeys)
  lists = createLists(redis, overdue)
  // Nothing here reads posts that are not cached.
  cache = createPostsCache(redis, {} as Store, metrics, overdue)
  kept = createKeptTimelines(redis)
})
afterAll(() => stack.disposeAsync())

function aPost(fields: Partial<PostRow> = {}): PostRow {
  const user_id = uuid()
  return {
    id: uuid(),
    user_id,
    author: { user_id, username: 'ada', display_name: 'Ada', avatar_url: null },
    content: 'Hello.',
    media: [],
    is_share: false,
    shared_post_id: null,
    like_count: 3,
    comment_count: 1,
    version: 4,
    created_at: new Date(),
    updated_at: new Date(),
    ...fields,
  }
}

async function fill(reader: string, posts: PostRow[], celebrities: string[] = [], end = true) {
  const token = await lists.claim('timeline', reader)
  const ids = posts.map(({ id }) => id)
  await lists.fill('timeline', reader, token!, ids.toSorted().toReversed(), end, celebrities)
}

async function read(reader: string, limit = 20) {
  const text = await kept.read(reader, limit)
  return text && JSON.parse(text)
}

test('a page is what the cache holds of it, newest first', async () => {
  const reader = uuid()
  const posts = [aPost(), aPost({ content: 'Older, "quoted".' })]
  await fill(reader, posts)
  for (const post of posts) await cache.put(post)
  const page = await read(reader)
  expect(page).toMatchObject({ count: 2, next_cursor: null })
  expect(page.posts).toMatchObject(
    posts
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
      .map(({ id, content }) => ({ id, content, like_count: 3, comment_count: 1 })),
  )
  const first = await read(reader, 1)
  expect(first.posts).toHaveLength(1)
  expect(readCursor(`timeline:${reader}`, first.next_cursor)).toBe(first.posts[0].id)
})

test('a page is the last only where the list is known to end with it', async () => {
  const [longer, shorter, cold, unsure] = [uuid(), uuid(), uuid(), uuid()]
  const posts = [aPost(), aPost()]
  for (const post of posts) await cache.put(post)
  const last = posts.map(({ id }) => id).sort()[0]
  await fill(longer, posts, [], false)
  await fill(shorter, posts, [], true)
  // What a celebrity wrote whose list is not there may come next.
  await fill(cold, posts, [uuid()], true)
  await fill(unsure, [], [uuid()], true)
  expect((await read(shorter)).next_cursor).toBeNull()
  for (const reader of [longer, cold]) {
    const { next_cursor: next } = await read(reader)
    expect(readCursor(`timeline:${reader}`, next)).toBe(last)
  }
  expect(await read(unsure)).toBeUndefined()
})

test('posts of which only the id is kept are left out, and the page filled up', async () => {
  const reader = uuid()
  const posts = [aPost(), aPost(), aPost(), aPost()]
  await fill(reader, posts)
  const [, second, , fourth] = posts
  for (const post of [second!, fourth!]) await cache.put(post)
  const ids = (await read(reader, 2)).posts.map(({ id }: PostRow) => id)
  expect(ids).toEqual([fourth!.id, second!.id].sort().reverse())
  await cache.hold([second!.id])
  expect((await read(reader, 2)).count).toBe(1)
  await cache.bury([fourth!.id])
  expect(await read(reader)).toBeUndefined()
})

test('the celebrities whom a reader follows are in it', async () => {
  const [reader, celebrity] = [uuid(), uuid()]
  const [older, theirs, newer] = [aPost(), aPost(), aPost()]
  await fill(reader, [older, newer], [celebrity, uuid()])
  const token = await lists.claim('author', celebrity)
  await lists.fill('author', celebrity, token!, [theirs.id], true)
  for (const post of [older, theirs, newer]) await cache.put(post)
  const ids = (await read(reader)).posts.map(({ id }: PostRow) => id)
  expect(ids).toEqual([older.id, theirs.id, newer.id].sort().reverse())
})

test('a share shows what it shares, and is left out while that is not kept', async () => {
  const reader = uuid()
  const original = aPost({ content: 'The first to say it.' })
  const share = aPost({ is_share: true, shared_post_id: original.id, content: '' })
  const orphan = aPost({ is_share: true, shared_post_id: null, content: 'Gone.' })
  await fill(reader, [share, orphan])
  for (const post of [share, orphan]) await cache.put(post)
  expect((await read(reader)).posts).toMatchObject([{ id: orphan.id, shared_post: null }])
  await cache.put(original)
  const found = (await read(reader)).posts.find(({ id }: PostRow) => id === share.id)
  expect(found.shared_post).toMatchObject({ id: original.id, content: 'The first to say it.' })
})

test('an empty timeline is a page, one that is not there or half built is none', async () => {
  const [empty, building] = [uuid(), uuid()]
  await fill(empty, [])
  await lists.claim('timeline', building)
  expect(await read(empty)).toEqual({ posts: [], count: 0, next_cursor: null })
  expect(await read(building)).toBeUndefined()
  expect(await read(uuid())).toBeUndefined()
})

test('nothing is written, not even a lifetime', async () => {
  const reader = uuid()
  const post = aPost()
  await fill(reader, [post])
  await cache.put(post)
  await inspect.pExpire(`feed:timeline:${reader}`, 10_000)
  expect(await read(reader)).toBeTruthy()
  expect(await inspect.pTTL(`feed:timeline:${reader}`)).toBeLessThanOrEqual(10_000)
})

test('no page while Redis is away', async () => {
  await using away = await openRedis('redis://127.0.0.1:1')
  expect(await createKeptTimelines(away).read(uuid(), 20)).toBeUndefined()
})
