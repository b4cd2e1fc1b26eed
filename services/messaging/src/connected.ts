import type { SpanContext } from '@opentelemetry/api'

/** What is known of a socket for as long as it is connected. */
export type Connected = {
  userId: string
  sessionId: string
  /** When the token ends, in epoch seconds. */
  expiresAt: number
  /** Of the connection, to link to. */
  span: SpanContext
  /** The delivery after which it connected: it has been sent all that came later. */
  turn: number
  /** Messages that it got by `sync` and that may still be delivered: they must not come twice. */
  synced: Set<string> | undefined
  /** Whose presence it wants to know. */
  watching: Set<string> | undefined
  /** Events in the current second. */
  rate: { second: number; sends: number; others: number }
  /** The last of its messages, which are sent one after the other, and how many are under way. */
  queue: Promise<unknown> | undefined
  queued: number
  syncing: boolean
  /** Why it was disconnected, when that was done here. */
  closed: string | undefined
}

export function newlyConnected(
  who: Pick<Connected, 'userId' | 'sessionId' | 'expiresAt' | 'span'>,
): Connected {
  return {
    ...who,
    turn: 0,
    synced: undefined,
    watching: undefined,
    rate: { second: 0, sends: 0, others: 0 },
    queue: undefined,
    queued: 0,
    syncing: false,
    closed: undefined,
  }
}
