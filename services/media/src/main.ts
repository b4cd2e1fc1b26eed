// First, since it counts from here on only.
import './young-space.ts'
import { createBus } from '@clew/kit/bus'
import { createHealth } from '@clew/kit/health'
import { openIdentity } from '@clew/kit/identity'
import { listen, run } from '@clew/kit/lifecycle'
import { startRelay } from '@clew/kit/outbox'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { createEvents, stream } from './events.ts'
import { createImageCheck } from './image.ts'
import { createRemoval } from './removal.ts'
import { openStorage } from './storage.ts'
import { createStore } from './store.ts'
import { createUpload } from './upload.ts'
import { createUses } from './uses.ts'

const uploadMs = 60 * 60_000

await run('media', async ({ own, log, stopping }) => {
  const config = readConfig(process.env)
  const metrics = own(createStatsD('media_service'))
  const postgres = own(openPostgres(config.databaseUrl))
  const redis = own(await openRedis(config.redisUrl))
  const bus = createBus(redis)
  const storage = await openStorage(config)

  const relay = own(startRelay(postgres, bus, stream, log))
  const store = createStore(postgres)
  const removal = createRemoval(storage, store, log)
  const checkImage = createImageCheck()
  const upload = createUpload({ store, storage, removal, checkImage, log })
  const events = createEvents(metrics, relay, log)

  const identity = own(openIdentity(config.authUrl, bus))
  const health = createHealth({ postgres: postgres.ping, redis: redis.ping }, ['redis'])
  stopping.addEventListener('abort', () => health.drain())
  const app = createApp({
    store,
    storage,
    removal,
    upload,
    uses: createUses(postgres),
    events,
    identity,
    health,
    metrics,
    log,
  })
  const server = own(await listen(app, config.port, config.host))
  // 100 MB take a phone longer than other requests; an upload that stands still ends by itself.
  server.requestTimeout = uploadMs
})
