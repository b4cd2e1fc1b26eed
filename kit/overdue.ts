import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { runUntraced } from '@clew/telemetry/untraced'
import type { Logger } from './log.ts'
import { type Redis, RedisAway, type RedisConnection } from './redis.ts'

const retryMs = 250
// Redis answers, but with an error: that is not over in a moment.
const refusedMs = 2_000
const retryKeys = 1_000

export type Overdue = ReturnType<typeof createOverdue>
/** Takes keys out of Redis in one round trip. */
export type RemoveKeys = (client: RedisConnection, keys: string[]) => Promise<unknown>

/** What is read from Postgres to be filled in, from before the statement until it is filled in. */
export type Load = Disposable & {
  /** Not when a change of what this key holds did not reach Redis: what was read may be from before it. */
  mayFill(key: string): boolean
}

/**
 * Keys that must go from Redis because what they hold is no longer true. The change itself is made,
 * so it is no failure when Redis is away: those keys are then passed by until they are dropped.
 */
export function createOverdue(redis: Redis, log: Logger, removeKeys: RemoveKeys = deleteKeys) {
  /** By key, the last change that made it untrue: whoever drops it may have begun before that. */
  const overdue = new Map<string, number>()
  let changes = 0
  /** Of each load under way, the keys that became overdue since it began. */
  const loads = new Set<Set<string>>()
  let catchingUp = false

  async function remove(on: string, keys: string[]): Promise<'done' | 'away' | 'refused'> {
    const before = keys.map((key) => overdue.get(key))
    try {
      const send = async (client: RedisConnection) => {
        await removeKeys(client, keys)
        return true
      }
      if (!(await redis.attempt({ command: 'DEL', on, send }))) return 'away'
      // Until those are done whose reads were answered just before, with what is gone now.
      await nextTurn()
      for (const [at, key] of keys.entries()) {
        if (overdue.get(key) === before[at]) overdue.delete(key)
      }
      return 'done'
    } catch (error) {
      log.warn({ err: error }, 'cache not dropped')
      return 'refused'
    }
  }

  /** One loop, however many changes wait for Redis. */
  async function catchUp(): Promise<void> {
    while (overdue.size > 0) {
      const outcome = await remove('overdue', [...overdue.keys()].slice(0, retryKeys))
      if (outcome === 'done') continue
      await sleep(outcome === 'away' ? retryMs : refusedMs, undefined, { ref: false })
    }
    catchingUp = false
  }

  function dropLater(keys: string[]): void {
    for (const key of keys) {
      overdue.set(key, ++changes)
      for (const since of loads) since.add(key)
    }
    if (catchingUp) return
    catchingUp = true
    void runUntraced(catchUp)
  }

  return {
    /** Whether what Redis holds under this key must not be read. */
    has: (key: string) => overdue.size > 0 && overdue.has(key),
    /** Begins a load. */
    load(): Load {
      const since = new Set<string>()
      loads.add(since)
      return {
        mayFill: (key) => !since.has(key) && !overdue.has(key),
        [Symbol.dispose]: () => void loads.delete(since),
      }
    },
    /** After a write that failed: drops these keys, which it left untrue, as soon as Redis is back. */
    dropAfter(error: unknown, keys: string[]): void {
      if (!(error instanceof RedisAway)) log.warn({ err: error }, 'cache not written')
      dropLater(keys)
    },
    /** Drops these keys now, else later. `on` is their kind, for the span: `profile`. */
    async drop(on: string, keys: string[]): Promise<void> {
      for (const key of keys) overdue.set(key, ++changes)
      if ((await remove(on, keys)) === 'done') return
      // Whoever caught up meanwhile may have removed them before this change.
      dropLater(keys)
    },
  }
}

function deleteKeys(client: RedisConnection, keys: string[]): Promise<unknown> {
  return client.del(keys)
}
