import { createBus } from '@clew/kit/bus'
import { createClient } from '@clew/kit/client'
import { createHealth } from '@clew/kit/health'
import { openIdentity } from '@clew/kit/identity'
import { listen, run } from '@clew/kit/lifecycle'
import { startRelay } from '@clew/kit/outbox'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { createApp } from './app.ts'
import { createEnsureAuthor } from './authors.ts'
import { readConfig } from './config.ts'
import { createEvents, stream } from './events.ts'
import { createFollowing } from './following.ts'
import { createLiked } from './liked.ts'
import { createListReader } from './list-reader.ts'
import { createLists } from './lists.ts'
import { createMediaNeighbour } from './media-neighbour.ts'
import { createPageReader } from './page.ts'
import { createPostsCache } from './posts-cache.ts'
import { removeKeys } from './posts-writer.ts'
import { createProfileNeighbour } from './profile-neighbour.ts'
import { createRanking } from './ranking.ts'
import { createComments } from './store/comments.ts'
import { createLikes } from './store/likes.ts'
import { createPosts } from './store/posts.ts'
import { createStore } from './store.ts'
import { createTimeline } from './timeline.ts'

await run('feed', async ({ own, log, stopping }) => {
  const config = readConfig(process.env)
  const metrics = own(createStatsD('feed_service'))
  const postgres = own(openPostgres(config.databaseUrl))
  const redis = own(await openRedis(config.redisUrl))
  const bus = createBus(redis)
  const profile = own(createClient('profile', config.profileUrl))

  const relay = own(startRelay(postgres, bus, stream, log))
  const store = createStore(postgres)
  const overdue = createOverdue(redis, log, removeKeys)
  const postsCache = createPostsCache(redis, store, metrics, overdue)
  const lists = createLists(redis, overdue)
  const following = createFollowing(redis, createProfileNeighbour(profile), metrics)
  const readIds = createListReader({ lists, store, following, metrics })
  const pages = createPageReader(postsCache, createLiked(redis, store, metrics, overdue))

  const identity = own(openIdentity(config.authUrl, bus))
  const health = createHealth({ postgres: postgres.ping, redis: redis.ping }, ['redis'])
  stopping.addEventListener('abort', () => health.drain())
  const app = createApp({
    posts: createPosts(postgres),
    likes: createLikes(postgres),
    comments: createComments(postgres),
    ensureAuthor: createEnsureAuthor(postgres, profile),
    media: createMediaNeighbour(own(createClient('media', config.mediaUrl))),
    postsCache,
    lists,
    pages,
    timeline: createTimeline({ lists, readIds, postsCache, pages, metrics }),
    ranking: createRanking({ redis, readIds, postsCache, pages, metrics }),
    events: createEvents(metrics, relay, log),
    identity,
    health,
    metrics,
    log,
  })
  own(await listen(app, config.port, config.host))
})
