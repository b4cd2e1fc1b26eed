import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { runUntraced } from '@clew/telemetry/untraced'
import { consumeLoop } from './consume.ts'
import { type Fact, toFields } from './entries.ts'
import { followLoop } from './follow.ts'
import type { Logger } from './log.ts'
import type { Redis, RedisConnection } from './redis.ts'

export type { Fact } from './entries.ts'
export type Handler = { relation: 'child' | 'link'; handle: (payload: never) => Promise<void> }
export type Bus = {
  /** Adds facts to a stream, in order, in one round trip. @throws RedisAway */
  append(stream: string, facts: Fact[]): Promise<void>
  /**
   * Handles each fact of a stream once per group, at least once each; handlers must be idempotent.
   * One at a time they come in order, except for those that fail: what was behind them is handled
   * first, up to about a hundred facts. One that meets an outage (RedisAway, Problem 503) is tried
   * until that is over; one that fails for another reason, or ends its process, five times, is put
   * aside in the stream `{group}:dead:{stream}`.
   */
  consume(options: ConsumeOptions): AsyncDisposable
  /** Shows every fact from `sinceMs` (epoch) on to this process, whoever else reads it. Leaves no spans. */
  follow(options: FollowOptions): AsyncDisposable & { current(): boolean }
}
export type ConsumeOptions = {
  stream: string
  /** Begins with the service's name: Redis lets each service write only to keys that do. */
  group: string
  /** By type; facts of other types are acknowledged unread. */
  handlers: Record<string, Handler>
  log: Logger
  /** How many facts are handled at the same time; above 1 (the default) they are not kept in order. */
  atOnce?: number
  /** How long a fact is left in the stream before it is handled, in milliseconds. */
  afterMs?: number
}
export type FollowOptions = { stream: string; sinceMs: number; seen: (fact: Fact) => void }

const streamLength = 100_000
const troubleMs = 250

/** Redis Streams. Another broker would stand in behind the same three functions. */
export function createBus(redis: Redis): Bus {
  return {
    async append(stream, facts) {
      const send = async (client: RedisConnection) => {
        const multi = client.multi()
        const trim = {
          TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: streamLength },
        } as const
        for (const fact of facts) multi.xAdd(stream, '*', toFields(fact), trim)
        await multi.exec()
      }
      await redis.run({ command: 'XADD', on: stream, batch: facts.length, send })
    },
    consume(options) {
      return startLoop(redis, (client, stop) => consumeLoop(client, stop, options), options.log)
    },
    follow(options) {
      const state = { last: `${options.sinceMs}-0`, current: false }
      const loop = startLoop(redis, (client, stop) => followLoop(client, stop, options, state))
      return Object.assign(loop, { current: () => state.current })
    },
  }
}

type Loop = (client: RedisConnection, stop: AbortSignal) => Promise<void>

/** Runs a blocking reader on a connection of its own, again after every trouble, until disposed. */
function startLoop(redis: Redis, loop: Loop, log?: Logger): AsyncDisposable {
  const stop = new AbortController()
  const done = runUntraced(async () => {
    await using client = redis.duplicate()
    stop.signal.addEventListener('abort', () => client.destroy())
    while (!stop.signal.aborted) {
      try {
        if (!client.isReady) await once(client, 'ready', { signal: stop.signal })
        await loop(client, stop.signal)
      } catch (error) {
        // Redis away is known from elsewhere; that it refuses us would otherwise never be.
        if (client.isReady && !stop.signal.aborted) log?.warn({ err: error }, 'events not read')
      }
      await sleep(troubleMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done
    },
  }
}
