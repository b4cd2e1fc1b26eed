import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { eventually } from '@clew/kit/test/eventually'
import { createStatsD } from '@clew/telemetry/statsd'
import { openLink } from '@clew/tests/cuttable-link'
import { portOf, throughPort } from '@clew/tests/one-service'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLiked, likedKey } from '../src/liked.ts'
import { countsKey, postKey } from '../src/post-text.ts'
import { createPostsCache } from '../src/posts-cache.ts'
import { removeKeys } from '../src/posts-writer.ts'
import { createPosts } from '../src/store/posts.ts'
import { createStore, type Store } from '../src/store.ts'

// Read when the module is: on a busy machine an answer can take more than the usual 50 ms.
vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '1000'
})

const stack = new AsyncDisposableStack()
const author = uuid()
let postgres: Postgres
let redis: RedisClientType
let link: Awaited<ReturnType<typeof openLink>>
let writer: Awaited<ReturnType<typeof openProcess>>
let other: Awaited<ReturnType<typeof openProcess>>

beforeAll(async () => {
  postgres = stack.use(openPostgres(stack.use(await openTestDatabase('feed')).url))
  const { url } = stack.use(await openTestRedis('feed'))
  link = stack.use(await openLink(portOf(url)))
  redis = createClient({ url })
  await redis.connect()
  stack.defer(() => redis.destroy())
  writer = await openProcess(throughPort(url, link.port))
  other = await openProcess(url)
  await postgres.query(`insert into authors (id, username, display_name) values ($1, 'a', 'A')`, [
    author,
  ])
})
afterAll(() => stack.disposeAsync())

/** The caches of one process. What Postgres says waits for `gate`. */
async function openProcess(redisUrl: string) {
  const connection = stack.use(await openRedis(redisUrl))
  const metrics = stack.use(createStatsD('feed_service'))
  const overdue = createOverdue(connection, createLogger('feed'), removeKeys)
  const store = createStore(postgres)
  let gate: Promise<unknown> = Promise.resolve()
  let asked = () => {}
  const slowly = async <Result>(found: Promise<Result>) => {
    const result = await found
    asked()
    await gate
    return result
  }
  const slowStore: Store = {
    ...store,
    findPosts: (...given) => slowly(store.findPosts(...given)),
    findLikes: (...given) => slowly(store.findLikes(...given)),
  }
  return {
    overdue,
    cache: createPostsCache(connection, slowStore, metrics, overdue),
    liked: createLiked(connection, slowStore, metrics, overdue),
    /** Begins to read; gives a function that lets it fill in what it read. */
    async begin(read: () => Promise<unknown>) {
      const opened = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      gate = opened.promise
      asked = begun.resolve
      const reading = read()
      await begun.promise
      return async () => {
        opened.resolve()
        await reading
      }
    },
  }
}

async function write(): Promise<string> {
  const id = uuid()
  await postgres.query(`insert into posts (id, user_id, content) values ($1, $2, 'x')`, [
    id,
    author,
  ])
  return id
}

/** Redis is away during this change, and all it left untrue is dropped afterwards. */
async function withoutRedis(keys: string[], change: () => Promise<void>): Promise<void> {
  link.cut()
  await change()
  expect(keys.map(writer.overdue.has)).toEqual(keys.map(() => true))
  link.mend()
  await eventually(() => !keys.some(writer.overdue.has))
}

test('a body that another process read before an edit is not filled in after it', async () => {
  const id = await write()
  const finish = await other.begin(() => other.cache.readMany([id]))
  await withoutRedis([postKey(id)], () => writer.cache.hold([id]))
  await finish()
  expect(await redis.get(postKey(id))).toBe('?')
  expect(await redis.ttl(postKey(id))).toBeLessThanOrEqual(5)
})

test('counts and likes that were read before a like are not filled in after it', async () => {
  const [id, viewer] = [await write(), uuid()]
  const keys = [countsKey(id), likedKey(viewer)]
  const like = () => writer.cache.setCounts(id, 1, 0, 1, { viewer, on: true })
  const counts = await writer.begin(() => writer.cache.readMany([id]))
  await withoutRedis(keys, like)
  await counts()
  const likes = await writer.begin(() => writer.liked.read(viewer, [id]))
  await withoutRedis(keys, like)
  await likes()
  expect(await redis.exists(keys)).toBe(0)
  // Whoever begins afterwards may.
  await Promise.all([writer.cache.readMany([id]), writer.liked.read(viewer, [id])])
  expect(await redis.exists(keys)).toBe(2)
})

test('a new post that could not be put is left to its readers, and not held', async () => {
  const post = await createPosts(postgres).add(author, { id: uuid(), content: 'x', media: [] })
  const keys = [postKey(post.id), countsKey(post.id)]
  link.cut()
  await writer.cache.put(post)
  expect(keys.map(writer.overdue.has)).toEqual([false, false])
  link.mend()
  await eventually(async () => {
    await writer.cache.readMany([post.id])
    const [body, counts] = await redis.mGet(keys)
    expect(body).not.toBe('?')
    return body && counts
  })
})
