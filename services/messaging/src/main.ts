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
import { createConnections } from './connections.ts'
import { createConversations } from './conversations.ts'
import { createDelivered } from './delivered.ts'
import { createDirects } from './directs.ts'
import { createDispatch } from './dispatch.ts'
import { createEvents, stream } from './events.ts'
import { createHandlers } from './handlers.ts'
import { createHandshake } from './handshake.ts'
import { startHeartbeat } from './heartbeat.ts'
import { createJoining } from './joining.ts'
import { createLimits } from './limits.ts'
import { startLive } from './live.ts'
import { startNet } from './net.ts'
import { createPeople } from './people.ts'
import { createPresence } from './presence.ts'
import { createSending } from './sending.ts'
import { startSessionWatch } from './session-watch.ts'
import { attachSockets } from './sockets.ts'
import { createConversationStore } from './store/conversations.ts'
import { createDirectStore } from './store/directs.ts'
import { createGroups } from './store/groups.ts'
import { createMessages } from './store/messages.ts'
import { createWatching } from './watching.ts'

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
  const directs = createDirects(createDirectStore(postgres))
  const people = createPeople(own(createClient('profile', config.profileUrl)))

  const connections = createConnections()
  const delivered = createDelivered()
  const presence = createPresence(redis, connections, config.presenceSeconds)
  const watching = createWatching(presence)
  const live = own(startLive({ redis, connections, delivered, watching, events, log }))
  const net = own(startNet({ bus, messages, delivered, live, connections, log }))
  const limits = createLimits(redis, metrics)

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
  const server = own(await listen(app, config.port, config.host))

  const auth = own(createClient('auth', config.authUrl))
  const handshake = createHandshake(identity, auth)
  const handlers = createHandlers({
    sending,
    conversations,
    store,
    directs,
    messages,
    live,
    limits,
    net,
    delivered,
    watching,
    events,
  })
  own(startHeartbeat(presence, watching, (config.presenceSeconds * 1_000) / 3, log))
  own(startSessionWatch(connections, identity.revocations))
  own(
    attachSockets(server, {
      allowedOrigin: config.gatewayOrigin,
      joining: createJoining({ handshake, presence, live, events, log }),
      dispatch: createDispatch({ handlers, connections, metrics, log }),
      presence,
      watching,
      connections,
      delivered,
      events,
      log,
    }),
  )
})
