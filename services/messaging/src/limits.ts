import { Problem } from '@clew/kit/problem'
import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import type { Connected } from './connected.ts'

export type Limits = {
  /** Counts a message of somebody, wherever it is sent. @throws Problem 429 with Retry-After */
  take(userId: string): Promise<void>
}
type Eval = (script: string, options: { keys: string[]; arguments: string[] }) => Promise<unknown>

const messagesPerSecond = 20
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
  return {
    async take(userId) {
      try {
        await limiter.consume(userId)
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused
        metrics.count('rate_limit_hits', { limit: 'messages' })
        trace.getActiveSpan()?.setAttribute('clew.limit', 'messages')
        throw tooMany(`more than ${messagesPerSecond} messages a second`)
      }
    },
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
