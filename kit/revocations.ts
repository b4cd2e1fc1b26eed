import { LRUCache } from 'lru-cache'
import type { Bus } from './bus.ts'
import type { Revocations } from './identity.ts'

/** How long an access token lives. A revocation need not be remembered longer. */
export const accessTokenSeconds = 15 * 60

/** Learns of every `session.revoked` from auth's stream, those of the last 15 minutes included. */
export function followRevocations(bus: Bus): Revocations & AsyncDisposable {
  const revoked = new LRUCache<string, true>({ max: 100_000, ttl: accessTokenSeconds * 1_000 })
  const follower = bus.follow({
    stream: 'events:auth',
    sinceMs: Date.now() - accessTokenSeconds * 1_000,
    seen(fact) {
      if (fact.type !== 'session.revoked') return
      revoked.set((fact.payload as { session_id: string }).session_id, true)
    },
  })
  return {
    has: (sessionId) => revoked.has(sessionId),
    current: follower.current,
    [Symbol.asyncDispose]: () => follower[Symbol.asyncDispose](),
  }
}
