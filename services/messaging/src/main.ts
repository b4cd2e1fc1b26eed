import { createBus } from '@clew/kit/bus'
import { createClient } from '@clew/kit/client'
import { createHealth } from '@clew/kit/health'
import { openIdentity } from '@clew/kit/identity'
import { listen, run } from '@clew/kit/lifecycle'
import { startRelay } from '@clew/kit/outbox'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { createStatsD } from '@clew/telemetry/statsd'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { createConversations } from './conversations.ts'
import { createDirects } from './directs.ts'
import { createEvents, stream } from './events.ts'
import { createPeople } from './people.ts'
import { createSending } from './sending.ts'
import { createConversationStore } from './store/conversations.ts'
import { createGroups } from './store/groups.ts'
import { createMessages } from './store/messages.ts'

await run('messaging', async ({ own, log, stopping }) => {
  const config = readConfig(process.env)
  const metrics = own(createStatsD('messaging_service'))
  const postgres = own(openPostgres(config.databaseUrl))
  const redis = own(await openRedis(config.redisUrl))
  const bus = createBus(redis)
  const relay = own(startRelay(postgres, bus, stream, log))
  const identity = own(openIdentity(config.authUrl, bus))

  const events = createEvents(metrics, relay, log)
  const messages = createMessages(postgres)
  const store = createConversationStore(postgres)
  const groups = createGroups(postgres)
  const directs = createDirects(store)
  const people = createPeople(own(createClient('profile', config.profileUrl)))
  const limits = { take: async () => {} }
  const live = { deliver: async () => {} }
  const sending = createSending({ messages, directs, people, live, limits, events })
  const conversations = createConversations({ store, groups, people, live, events })

  const health = createHealth({ postgres: postgres.ping, redis: redis.ping }, ['redis'])
  stopping.addEventListener('abort', () => health.drain())
  const app = createApp({
    store,
    groups,
    messages,
    conversations,
    sending,
    events,
    identity,
    health,
    metrics,
    log,
  })
  own(await listen(app, config.port, config.host))
})
