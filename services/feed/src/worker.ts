import { createBus } from '@clew/kit/bus'
import { createClient } from '@clew/kit/client'
import { answerHealth, createHealth } from '@clew/kit/health'
import { listen, run } from '@clew/kit/lifecycle'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { readConfig } from './config.ts'
import { createCrossings } from './crossings.ts'
import { stream } from './events.ts'
import { createFanout } from './fanout.ts'
import { createListWriter } from './list-writer.ts'
import { createPostsWriter } from './posts-writer.ts'
import { createProfileNeighbour } from './profile-neighbour.ts'
import { createAuthors } from './store/authors.ts'
import { createPosts } from './store/posts.ts'
import { createFeedHandlers, createProfileHandlers } from './worker-handlers.ts'

const group = 'feed'

// What follows a post or a follow, in a process of its own: a post for thousands slows no reader.
await run('feed-worker', async ({ own, log, stopping }) => {
  const config = readConfig(process.env)
  const metrics = own(createStatsD('feed_service'))
  const postgres = own(openPostgres(config.databaseUrl, { connections: 2 }))
  const redis = own(await openRedis(config.redisUrl))
  const bus = createBus(redis)
  const profile = createProfileNeighbour(own(createClient('profile', config.profileUrl)))

  const authors = createAuthors(postgres)
  const lists = createListWriter(redis)
  const crossings = createCrossings(redis, authors, profile, lists)
  const { celebrityFollowers } = config
  const fanout = createFanout({
    authors,
    profile,
    lists,
    crossings,
    metrics,
    log,
    celebrityFollowers,
  })
  const posts = createPosts(postgres)
  const cache = createPostsWriter(redis)
  const deps = { fanout, lists, cache, posts, authors }
  own(bus.consume({ stream, group, handlers: createFeedHandlers(deps), log }))
  const handlers = createProfileHandlers(deps)
  own(bus.consume({ stream: 'events:profile', group, handlers, log }))

  const health = createHealth({ postgres: postgres.ping, redis: redis.ping })
  stopping.addEventListener('abort', () => health.drain())
  own(await listen(answerHealth(health), config.workerPort, config.host))
})
