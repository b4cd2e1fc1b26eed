import { randomUUID } from 'node:crypto'
import type { Logger } from '@clew/kit/log'
import type { Redis } from '@clew/kit/redis'
import { type Carrier, traceProcess, tracePublish } from '@clew/telemetry/events'
import { runUntraced } from '@clew/telemetry/untraced'
import type { Connections, LiveSocket } from './connections.ts'
import type { Delivered } from './delivered.ts'
import { emitTo } from './emitting.ts'
import type { Events } from './events.ts'
import type { PersonPresence } from './presence.ts'
import type { Watching } from './watching.ts'

/** Something that sockets hear of, wherever they are connected. */
export type LiveEvent = {
  name: 'message:new' | 'typing' | 'read' | 'presence'
  /** Whose sockets; nobody's for `presence`, which goes to those who watch this person. */
  to: string[]
  payload: object
  /** Of `message:new`: an instance delivers it once, however often it comes. */
  messageId?: string
  /** The socket that it came from. */
  except?: string
}
export type Live = {
  /**
   * Emits to the sockets here, and tells the other instances. When it returns they have been told,
   * or Redis is away: then a message reaches them later, by the fact that it was sent. Never throws.
   */
  deliver(event: LiveEvent): Promise<void>
  /** Emits to the sockets here alone what was lost on the way. */
  deliverHere(event: LiveEvent): void
}
type Deps = {
  redis: Redis
  connections: Connections
  delivered: Delivered
  watching: Pick<Watching, 'note'>
  events: Pick<Events, 'delivered' | 'deliveryTook'>
  log: Logger
}
type Sent = LiveEvent & { carrier: Carrier }

const channel = 'messaging:live'
const system = 'redis_pubsub'
// A connection that says nothing for 5 s counts as dead, and there may be nothing to hear for hours.
const pingMs = 2_000

/**
 * All live events on one Redis channel. Redis promises nothing about it: what is published while an
 * instance is not listening is lost to that instance, and messages have a net below.
 */
export function startLive({
  redis,
  connections,
  delivered,
  watching,
  events,
  log,
}: Deps): Live & AsyncDisposable {
  // Everybody hears their own words too; they begin with who spoke, so that they need not be read.
  const self = randomUUID()
  const listening = listen(redis, hear)

  function hear(text: string): void {
    if (text.startsWith(self)) return
    try {
      const { carrier, ...event } = JSON.parse(text.slice(self.length)) as Sent
      const sockets = receiversOf(event)
      if (sockets.length === 0) return
      const facts = { stream: channel, type: event.name, id: event.messageId, system } as const
      traceProcess({ ...facts, carrier, relation: 'child' }, async () =>
        emit(sockets, event, 'live'),
      ).catch(failed)
    } catch (error) {
      failed(error)
    }
  }
  function failed(error: unknown): void {
    log.error({ err: error }, 'live event not delivered')
  }
  function emit(sockets: LiveSocket[], event: LiveEvent, how: 'live' | 'net'): void {
    const { name, payload, messageId } = event
    emitTo(sockets, name, payload)
    if (messageId === undefined || sockets.length === 0) return
    events.delivered(how, sockets.length)
    const { created_at } = payload as { created_at: Date | string }
    events.deliveryTook(Date.now() - new Date(created_at).getTime())
  }

  /** The sockets here that it goes to: none for a message that has gone to them before. */
  function receiversOf({ name, to, payload, messageId, except }: LiveEvent): LiveSocket[] {
    if (name === 'presence') return watching.note(payload as PersonPresence)
    if (messageId === undefined) return connections.reach(to, except)
    if (!delivered.first(messageId)) return []
    const synced = (socket: LiveSocket) => socket.data.synced?.delete(messageId)
    return connections.reach(to, except).filter((socket) => !synced(socket))
  }

  async function publish(event: LiveEvent): Promise<void> {
    const facts = { stream: channel, type: event.name, id: event.messageId, system } as const
    await tracePublish(facts, async (carrier) => {
      const text = self + JSON.stringify({ ...event, carrier } satisfies Sent)
      await redis.attempt({
        command: 'PUBLISH',
        on: 'live',
        send: (client) => client.publish(channel, text),
      })
    })
  }

  return {
    async deliver(event) {
      try {
        emit(receiversOf(event), event, 'live')
        await publish(event)
      } catch (error) {
        failed(error)
      }
    },
    deliverHere: (event) => emit(receiversOf(event), event, 'net'),
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  }
}

/** Listens on a connection of its own, again whenever that has come back. */
function listen(redis: Redis, hear: (text: string) => void): AsyncDisposable {
  return runUntraced(() => {
    const subscriber = redis.duplicate()
    const subscribe = () => subscriber.subscribe(channel, hear).catch(() => undefined)
    // The client subscribes again by itself only if it was subscribed before it lost its connection.
    subscriber.on('ready', subscribe)
    if (subscriber.isReady) subscribe()
    const pings = setInterval(() => {
      if (subscriber.isReady) subscriber.ping().catch(() => undefined)
    }, pingMs).unref()
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(pings)
        await subscriber[Symbol.asyncDispose]()
      },
    }
  })
}
