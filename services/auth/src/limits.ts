import { createHash } from 'node:crypto'
import { Problem } from '@clew/kit/problem'
import type { Redis } from '@clew/kit/redis'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible'
import type { Config } from './config.ts'

export type Limits = {
  /** @throws Problem 429 with Retry-After */
  register(address: string): Promise<void>
  /**
   * Counts a login by its address, and, until it is known to be right, as a failure of its account.
   * @throws Problem 429 with Retry-After
   */
  login(address: string, email: string): Promise<void>
  /** The password was right: the attempt was none after all. */
  forgive(address: string, email: string): Promise<void>
  /** Someone leaves for a provider. @throws Problem 429 with Retry-After */
  leave(address: string): Promise<void>
}
type Trip = { scripts: Script[]; answers: Promise<unknown[]> }
type Script = (client: { eval: Eval }) => Promise<unknown>
type Eval = (script: string, options: { keys: string[]; arguments: string[] }) => Promise<unknown>

const minute = 60
const quarter = 15 * 60

/** Limits that all instances share, in Redis under `auth:limit:`; each keeps its own while Redis is away. */
export function createLimits(
  redis: Redis,
  rates: Config['rates'],
  limited: (limit: string) => void,
): Limits {
  const store = createStore(redis)
  const open = (name: string, points: number, duration: number) => {
    const keyPrefix = `auth:limit:${name}`
    const insuranceLimiter = new RateLimiterMemory({ keyPrefix, points, duration })
    return new RateLimiterRedis({
      ...{ storeClient: store, useRedisPackage: true },
      ...{ keyPrefix, points, duration, insuranceLimiter },
    })
  }
  const registering = open('register_address', rates.registerAddress, minute)
  const entering = open('login_address', rates.loginAddress, minute)
  const failing = open('login_account', rates.loginFailures, quarter)

  async function take(limiter: RateLimiterAbstract, key: string): Promise<void> {
    try {
      await limiter.consume(key)
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused
      limited(limiter.keyPrefix.replace('auth:limit:', ''))
      throw tooMany(refused.msBeforeNext)
    }
  }
  return {
    register: (address) => take(registering, address),
    leave: (address) => take(entering, address),
    async login(address, email) {
      const taken = store.inOneTrip(() => [
        take(entering, address),
        take(failing, accountKey(address, email)),
      ])
      const refused = (await Promise.allSettled(taken)).find((it) => it.status === 'rejected')
      if (refused) throw refused.reason
    },
    async forgive(address, email) {
      await failing.reward(accountKey(address, email))
    },
  }
}

/**
 * What the limiter library runs its script on: our Redis, with its patience and its spans. Scripts
 * started within `inOneTrip` travel together.
 */
function createStore(redis: Redis) {
  let gathered: Trip | undefined

  const send = (scripts: Script[]) =>
    redis.run({
      command: 'EVAL',
      on: 'limit',
      batch: scripts.length,
      send: (client) => Promise.all(scripts.map((script) => script(client as { eval: Eval }))),
    })
  return {
    async eval(...call: Parameters<Eval>): Promise<unknown> {
      const script: Script = (client) => client.eval(...call)
      if (!gathered) return (await send([script]))[0]
      const { scripts, answers } = gathered
      const place = scripts.push(script) - 1
      return (await answers)[place]
    },
    inOneTrip<Result>(start: () => Result): Result {
      const { promise: answers, resolve } = Promise.withResolvers<unknown[]>()
      gathered = { scripts: [], answers }
      try {
        return start()
      } finally {
        resolve(send(gathered.scripts))
        gathered = undefined
      }
    },
  }
}

/** Neither e-mail addresses nor network addresses are kept as they are. */
function accountKey(address: string, email: string): string {
  return createHash('sha256').update(`${address} ${email}`).digest('base64url').slice(0, 22)
}

function tooMany(waitMs: number): Problem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
  return new Problem(429, `Too many tries. Try again in ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  })
}
