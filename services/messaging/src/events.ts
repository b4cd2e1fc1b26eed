import type { Logger } from '@clew/kit/log'
import { publish, type Relay } from '@clew/kit/outbox'
import type { Queryable } from '@clew/kit/postgres'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'

export const stream = 'events:messaging'

type Sent = { id: string; conversation_id: string; sender_id: string }

/** Recorded in the transaction that stores the message. What it says is in no fact. */
export function recordSent(tx: Queryable, message: Sent): Promise<void> {
  const { id: message_id, conversation_id, sender_id } = message
  return publish(tx, stream, 'message.sent', { message_id, conversation_id, sender_id })
}

export type Events = ReturnType<typeof createEvents>

/** What is counted and logged once a change is committed, one function per business event. */
export function createEvents(metrics: Metrics, relay: Pick<Relay, 'wake'>, log: Logger) {
  return {
    sent({ id, conversation_id, sender_id }: Sent) {
      relay.wake()
      metrics.count('messages.sent')
      log.info({ user: sender_id, conversation: conversation_id, message: id }, 'message sent')
    },
    /** A client sent again what is stored already. */
    sentAgain({ id, conversation_id, sender_id }: Sent) {
      metrics.count('messages.repeated')
      log.info({ user: sender_id, conversation: conversation_id, message: id }, 'message repeated')
    },
    groupMade(conversationId: string, userId: string) {
      metrics.count('groups.made')
      log.info({ user: userId, conversation: conversationId }, 'group made')
    },
    /** Messages went to sockets: `count` is the product of both. */
    delivered(how: 'live' | 'net' | 'sync', count: number) {
      if (count > 0) metrics.count('messages.delivered', { how }, count)
    },
    /** @param ms from when a message was made until it was written to the sockets of this instance */
    deliveryTook(ms: number) {
      // Clocks of two machines may differ by more than that.
      metrics.timing('delivery.duration', Math.max(0, ms))
    },
    /** A socket came. `outcome` is `joined`, or the status that it was refused with. */
    connected(outcome: 'joined' | number) {
      metrics.count('connects', { outcome: String(outcome) })
    },
    /** A socket that had joined has gone. `reason` is ours, as in `closing`, or that of Socket.IO. */
    disconnected(reason: string) {
      metrics.count('disconnects', { reason: reason.replaceAll(' ', '_') })
    },
    /** A bearer was not accepted. `reason` says why; the person is not told. */
    tokenRefused(reason: string) {
      metrics.count('token.refused')
      trace.getActiveSpan()?.setAttribute('clew.refusal', reason)
      log.info({ reason }, 'token refused')
    },
  }
}
