import { createBus } from '@clew/kit/bus'
import { createHealth } from '@clew/kit/health'
import { openIdentity } from '@clew/kit/identity'
import { listen, run } from '@clew/kit/lifecycle'
import { startRelay } from '@clew/kit/outbox'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { createApp } from './app.ts'
import { createCache } from './cache.ts'
import { readConfig } from './config.ts'
import { createEvents, stream } from './events.ts'
import { createRegistration, followRegistrations } from './registration.ts'
import { createStore } from './store.ts'

await run('profile', async ({ own, log, stopping }) => {
  const config = readConfig(process.env)
  const metrics = own(createStatsD('user_profile_service'))
  const postgres = own(openPostgres(config.databaseUrl))
  const redis = own(await openRedis(config.redisUrl))
  const bus = createBus(redis)

  const relay = own(startRelay(postgres, bus, stream, log))
  const store = createStore(postgres)
  const cache = createCache(redis, metrics, createOverdue(redis, log))
  const events = createEvents(metrics, relay, log)
  const createProfile = createRegistration(store, cache, events)
  own(followRegistrations(bus, createProfile, log))

  const identity = own(openIdentity(config.authUrl, bus))
  const health = createHealth({ postgres: postgres.ping, redis: redis.ping }, ['redis'])
  stopping.addEventListener('abort', () => health.drain())
  const app = createApp({ store, cache, events, createProfile, identity, health, metrics, log })
  own(await listen(app, config.port, config.host))
})
