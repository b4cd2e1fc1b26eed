import { LRUCache } from 'lru-cache'

export type Delivered = ReturnType<typeof createDelivered>

// At 500 a second, what was said in three minutes: for so long Redis may be away, and nothing comes
// twice when it is back.
const remembered = 100_000

/** Which messages this instance has brought to its sockets already, and in which order. */
export function createDelivered() {
  const turns = new LRUCache<string, number>({ max: remembered })
  let turn = 0

  return {
    /** Notes the delivery of a message; false when it was delivered here before. */
    first(messageId: string): boolean {
      if (turns.has(messageId)) return false
      turns.set(messageId, ++turn)
      return true
    },
    has: (messageId: string) => turns.has(messageId),
    /** The latest delivery. A socket that connects now is sent everything after it. */
    turn: () => turn,
    /** Whether a message was delivered after a turn. */
    since: (messageId: string, after: number) => (turns.get(messageId) ?? 0) > after,
  }
}
