import { Problem } from '@clew/kit/problem'
import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible'
import type { Connected } from './connected.ts'

export type Limits = {
  /** Counts a message of somebody, wherever it is sent. @throws Problem 429 with Retry-After */
  take(userId: string): Promise<void>
  /** Counts a `typing` of somebody on this instance. @throws Problem 429 with Retry-After */
  takeTyping(userId: string): Promise<void>
}
type Eval = (script: string, options: { keys: string[]; arguments: string[] }) => Promise<unknown>

const messagesPerSecond = 20
// Everybody in a conversation hears of each, and it is soon outdated.
const typingPerSecond = 5
const eventsPerSecond = 50

/** Twenty messages a second for a person: counted in Redis, by each instance while Redis is away. */
export function createLimits(redis: Redis, metrics: Metrics): Limits {
  const keyPrefix = 'messaging:limit'
  const budget = { keyPrefix, points: messagesPerSecond, duration: 1 }
  const storeClient = {
    eval: (...call: Parameters<Eval>) =>
      redis.run({
        command: 'EVAL',
        on: 'limit',
        send: (client) => (client as { eval: Eval }).eval(...call),
      }),
  }
  const limiter = new RateLimiterRedis({
    ...{ storeClient, useRedisPackage: true, ...budget },
    insuranceLimiter: new RateLimiterMemory(budget),
  })
  const typing = new RateLimiterMemory({ points: typingPerSecond, duration: 1 })

  async function consume(from: RateLimiterAbstract, userId: string, limit: string) {
    try {
      await from.consume(userId)
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      metrics.count('rate_limit_hits', { limit })
      trace.getActiveSpan()?.setAttribute('clew.limit', limit)
      throw tooMany(`more than ${from.points} ${limit} a second`)
    }
  }
  return {
    take: (userId) => consume(limiter, userId, 'messages'),
    takeTyping: (userId) => consume(typing, userId, 'typing'),
  }
}

/**
 * Counts an event of a socket: fifty a second, messages and all others each. This is only to stop a
 * flood before it costs anything, so it leaves no span.
 * @throws Problem 429
 */
export function takeEvent({ rate }: Connected, name: string): void {
  const second = Math.floor(performance.now() / 1_000)
  if (rate.second !== second) Object.assign(rate, { second, sends: 0, others: 0 })
  const count = name === 'message:send' ? ++rate.sends : ++rate.others
  if (count > eventsPerSecond) throw tooMany(`more than ${eventsPerSecond} events a second`)
}

export function tooMany(what: string): Problem {
  return new Problem(429, `Too many: ${what}. Try again in 1 s.`, {
    headers: { 'retry-after': '1' },
  })
}
