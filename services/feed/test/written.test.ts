import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { openLink } from '@clew/tests/cuttable-link'
import { portOf, throughPort } from '@clew/tests/one-service'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPostsCache, type PostsCache } from '../src/posts-cache.ts'
import { removeKeys } from '../src/posts-writer.ts'
import { createPosts } from '../src/store/posts.ts'
import { createStore } from '../src/store.ts'
import { present } from '../src/written.ts'

const stack = new AsyncDisposableStack()
const author = uuid()
let link: Awaited<ReturnType<typeof openLink>>
let postgres: Postgres
let cache: PostsCache

beforeAll(async () => {
  const { url } = stack.use(await openTestDatabase('feed'))
  link = stack.use(await openLink(portOf(url)))
  postgres = stack.use(openPostgres(throughPort(url, link.port)))
  const redis = stack.use(await openRedis(stack.use(await openTestRedis('feed')).url))
  const overdue = createOverdue(redis, createLogger('feed'), removeKeys)
  const metrics = stack.use(createStatsD('feed_service'))
  cache = createPostsCache(redis, createStore(postgres), metrics, overdue)
  await postgres.query(`insert into authors (id, username, display_name) values ($1, 'a', 'A')`, [
    author,
  ])
})
afterAll(() => stack.disposeAsync())

test('a share that was made is answered, though Postgres has gone since', async () => {
  const posts = createPosts(postgres)
  const original = await posts.add(author, { id: uuid(), content: 'x', media: [] })
  const share = await posts.share(author, original.id, 'look')
  link.cut()
  const answer = JSON.parse(await present(cache, share, false))
  expect(answer).toMatchObject({ id: share.id, content: 'look', like_count: 0, liked: false })
  // Null would say that it was deleted.
  expect(answer).not.toHaveProperty('shared_post')
  link.mend()
  await expect
    .poll(async () => JSON.parse(await present(cache, share, false)).shared_post?.id)
    .toBe(original.id)
})
