import { availableParallelism } from 'node:os'
import { createBus } from '@clew/kit/bus'
import { answerHealth, createHealth } from '@clew/kit/health'
import { listen, run } from '@clew/kit/lifecycle'
import { startRelay } from '@clew/kit/outbox'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { readConfig } from './config.ts'
import { stream } from './events.ts'
import { createMadeStore } from './made-store.ts'
import { createMaking } from './making.ts'
import { stepBack } from './priority.ts'
import { createRefresh } from './refresh.ts'
import { createRemoval } from './removal.ts'
import { openStorage } from './storage.ts'
import { createStore } from './store.ts'
import { createSweeper } from './sweeper.ts'
import { createUses } from './uses.ts'
import {
  createCacheHandlers,
  createFeedHandlers,
  createPictureHandlers,
} from './worker-handlers.ts'

const group = 'media'
// A core is left to those who wait for an answer: of two taken, their slowest took three times as long.
const picturesAtOnce = Math.max(1, Math.min(2, availableParallelism() - 1))
// A cache that is being filled while it is refreshed keeps the old image after all: so it is
// refreshed again when a fill has ended that was fast, and one that was slow.
const cacheGroups = [
  { group: 'media:cache', afterMs: 0 },
  { group: 'media:cache-soon', afterMs: 3_000 },
  { group: 'media:cache-later', afterMs: 30_000 },
]

// What follows an upload, in a process of its own that takes the processor only when nobody else
// wants it: a queue of photos slows no reader.
await run('media-worker', async ({ own, log, stopping }) => {
  stepBack()
  const config = readConfig(process.env)
  const metrics = own(createStatsD('media_service'))
  const postgres = own(openPostgres(config.databaseUrl, { connections: 4 }))
  const redis = own(await openRedis(config.redisUrl))
  const bus = createBus(redis)
  const storage = await openStorage(config)
  const refresh = createRefresh(config.gatewayUrl, config.refreshKey)
  if (config.refreshKey === '')
    log.warn("no MEDIA_REFRESH_KEY: the gateway's cache is not refreshed")
  const relay = own(startRelay(postgres, bus, stream, log))

  const uses = createUses(postgres)
  const removal = createRemoval(storage, createStore(postgres), log)
  own(createSweeper({ postgres, removal, uses, log }).start())

  const made = createMadeStore(postgres)
  const making = createMaking({ made, storage, relay, metrics, log })
  const handlers = createPictureHandlers(making)
  own(bus.consume({ stream, group, handlers, log, atOnce: picturesAtOnce }))
  // Groups of their own: what is deleted does not wait for photos, nor these for the gateway.
  for (const cache of cacheGroups) {
    const relation = cache.afterMs === 0 ? 'child' : 'link'
    own(bus.consume({ stream, ...cache, handlers: createCacheHandlers(refresh, relation), log }))
  }
  own(bus.consume({ stream: 'events:feed', group, handlers: createFeedHandlers(uses), log }))

  const health = createHealth({ postgres: postgres.ping, redis: redis.ping })
  stopping.addEventListener('abort', () => health.drain())
  own(await listen(answerHealth(health), config.workerPort, config.host))
})
