import { createBus } from '@clew/kit/bus'
import { createClient } from '@clew/kit/client'
import { createHealth } from '@clew/kit/health'
import { listen, run } from '@clew/kit/lifecycle'
import { startRelay } from '@clew/kit/outbox'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { followRevocations } from '@clew/kit/revocations'
import { createStatsD } from '@clew/telemetry/statsd'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { stream } from './events.ts'
import { openKeys } from './keys.ts'
import { startPurge } from './purge.ts'

await run('auth', async ({ own, log, stopping }) => {
  const config = readConfig(process.env)
  const metrics = own(createStatsD('auth_service'))
  const keys = own(await openKeys(config.keys, log))
  const postgres = own(openPostgres(config.databaseUrl))
  const redis = own(await openRedis(config.redisUrl))
  const profile = own(createClient('profile', config.profileUrl))
  const bus = createBus(redis)
  const revocations = own(followRevocations(bus))
  const relay = own(startRelay(postgres, bus, stream, log))
  own(startPurge(postgres, log))
  const health = createHealth({ postgres: postgres.ping, redis: redis.ping }, ['redis'])
  stopping.addEventListener('abort', health.drain)
  const app = createApp({
    config,
    health,
    keys,
    log,
    metrics,
    postgres,
    profile,
    redis,
    relay,
    revocations,
  })
  own(await listen(app, config.port, config.host))
})
