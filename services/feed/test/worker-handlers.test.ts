import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openRedis, type Redis } from '@clew/kit/redis'
import { eventually } from '@clew/kit/test/eventually'
import { createStatsD } from '@clew/telemetry/statsd'
import { openLink } from '@clew/tests/cuttable-link'
import { portOf, throughPort } from '@clew/tests/one-service'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createCrossings } from '../src/crossings.ts'
import { createFanout } from '../src/fanout.ts'
import { createListWriter } from '../src/list-writer.ts'
import { createLists, type Lists } from '../src/lists.ts'
import { createPostsWriter, removeKeys } from '../src/posts-writer.ts'
import { createAuthors } from '../src/store/authors.ts'
import { createPosts } from '../src/store/posts.ts'
import { createFeedHandlers, createProfileHandlers } from '../src/worker-handlers.ts'

vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '5000'
})

// What the worker does with facts, with a hand on when it is told things.
const stack = new AsyncDisposableStack()
const log = createLogger('feed')
let link: Awaited<ReturnType<typeof openLink>>
let postgres: Postgres
let redis: Redis
let lists: Lists
let followers: PromiseWithResolvers<string>
let dropped: PromiseWithResolvers<void>
let gate: PromiseWithResolvers<void>
let handle: (type: string, payload: object) => Promise<void>

beforeAll(async () => {
  const { url } = stack.use(await openTestRedis('feed'))
  link = stack.use(await openLink(portOf(url)))
  redis = stack.use(await openRedis(throughPort(url, link.port)))
  postgres = stack.use(openPostgres(stack.use(await openTestDatabase('feed')).url))
  const metrics = stack.use(createStatsD('feed_service'))
  lists = createLists(redis, createOverdue(redis, log, removeKeys))
  const authors = createAuthors(postgres)
  const writer = createListWriter(redis)
  const profile = {
    findFollowing: async () => [],
    findFollowers: async () => ({ follower_count: 1, ids: await followers.promise, next: null }),
  }
  const crossings = createCrossings(redis, authors, profile, writer)
  const fanout = createFanout({
    ...{ authors, profile, crossings, metrics, log },
    lists: writer,
    celebrityFollowers: 5_000,
  })
  const slowWriter = {
    ...writer,
    async dropReader(id: string) {
      await writer.dropReader(id)
      dropped.resolve()
      await gate.promise
    },
  }
  const cache = createPostsWriter(redis)
  const deps = { fanout, lists: slowWriter, cache, posts: createPosts(postgres), authors }
  const handlers = { ...createFeedHandlers(deps), ...createProfileHandlers(deps) }
  handle = async (type, payload) => handlers[type]?.handle(payload as never)
})
beforeEach(() => {
  followers = Promise.withResolvers()
  dropped = Promise.withResolvers()
  gate = Promise.withResolvers()
})
afterAll(() => stack.disposeAsync())

async function buildTimeline(reader: string): Promise<void> {
  const token = await lists.claim('timeline', reader)
  if (token) await lists.fill('timeline', reader, token, [], true)
}

test('a post that arrives while the drop after an unfollow is answered is dropped as well', async () => {
  const [author, reader] = [uuid(), uuid()]
  await buildTimeline(author)
  const fanout = handle('post.created', { post_id: uuid(), user_id: author })
  const unfollow = handle('user.unfollowed', { follower_id: reader, following_id: author })
  await dropped.promise
  await buildTimeline(reader)
  followers.resolve(reader)
  await fanout
  gate.resolve()
  await unfollow
  const query = { offset: 0, count: 1 }
  expect(await lists.read('timeline', reader, query)).toMatchObject({ known: false })
})

test('what Redis did not take is not done, whatever it is', async () => {
  const [post_id, author, share] = [uuid(), uuid(), uuid()]
  const updated_at = new Date().toISOString()
  const card = { username: 'a', display_name: 'a', avatar_url: null, updated_at }
  await postgres.query('insert into authors values ($1, $2, $2)', [author, 'a'])
  await postgres.query(
    `insert into posts (id, user_id, content, is_share, shared_post_id) values ($1, $2, '', true, $3)`,
    [share, author, post_id],
  )
  const counts = { like_count: 1, comment_count: 0, version: 1 }
  const facts = {
    'post.created': { post_id, user_id: author },
    'post.updated': { post_id },
    'post.deleted': { post_id },
    'post.liked': { post_id, user_id: author, ...counts, liked: true },
    'post.unliked': { post_id, user_id: author, ...counts, liked: false },
    'post.commented': { post_id, ...counts },
    'user.followed': { follower_id: author, following_id: author },
    'user.unfollowed': { follower_id: author, following_id: author },
    'profile.updated': { user_id: author, ...card },
  }
  link.cut()
  for (const [type, payload] of Object.entries(facts)) {
    await expect(handle(type, payload), type).rejects.toThrow('Redis')
  }
  const told = createPostsWriter(redis).bury
  const remove = createPosts(postgres).deleteWordlessShares(post_id, 10, told)
  await expect(remove).rejects.toThrow('Redis')
  expect(await postgres.query('select id from posts')).toEqual([{ id: share }])
  link.mend()
  await eventually(() =>
    redis.ping().then(
      () => true,
      () => false,
    ),
  )
})
