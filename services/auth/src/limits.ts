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
   * Counts a login by its address, and, until it is known to be none, as a failure of its account,
   * from this address and from everywhere.
   * @throws Problem 429 with Retry-After
   */
  login(address: string, email: string): Promise<void>
  /** The password was right, or could not be looked at: the attempt was no failure after all. */
  forgive(address: string, email: string): Promise<void>
  /** Someone leaves for a provider. @throws Problem 429 with Retry-After */
  leave(address: string): Promise<void>
}
/** How often something may happen, for one of those whom `limiter` counts. */
type Budget = { limiter: RateLimiterAbstract; key: string }
type Refusal = { budget: Budget; waitMs: number }
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
  const failingEverywhere = open('login_everywhere', rates.loginEverywhere, quarter)

  const failuresOf = (address: string, email: string): Budget[] => [
    { limiter: failing, key: hashed(address, email) },
    { limiter: failingEverywhere, key: hashed(email) },
  ]

  /** Takes one of each, in one round trip, and gives those that had none left. */
  async function consume(budgets: Budget[]): Promise<Refusal[]> {
    const trip = store.inOneTrip(() => budgets.map(consumeOne))
    return (await Promise.all(trip)).filter((it) => it !== undefined)
  }
  /** Puts one back into each, in one round trip. */
  async function giveBack(budgets: Budget[]): Promise<void> {
    if (budgets.length === 0) return
    await Promise.all(store.inOneTrip(() => budgets.map(({ limiter, key }) => limiter.reward(key))))
  }
  function refuse(refusals: Refusal[]): void {
    const [longest] = refusals.toSorted((a, b) => b.waitMs - a.waitMs)
    if (!longest) return
    limited(longest.budget.limiter.keyPrefix.replace('auth:limit:', ''))
    throw tooMany(longest.waitMs)
  }
  return {
    async register(address) {
      refuse(await consume([{ limiter: registering, key: hashed(address) }]))
    },
    async leave(address) {
      refuse(await consume([{ limiter: entering, key: hashed(address) }]))
    },
    async login(address, email) {
      const failures = failuresOf(address, email)
      const refusals = await consume([{ limiter: entering, key: hashed(address) }, ...failures])
      if (refusals.length === 0) return
      // A password that nobody looks at is no failure, or one address alone could lock an account
      // for everybody.
      const empty = new Set(refusals.map(({ budget }) => budget))
      await giveBack(failures.filter((budget) => !empty.has(budget)))
      refuse(refusals)
    },
    forgive: (address, email) => giveBack(failuresOf(address, email)),
  }
}

async function consumeOne(budget: Budget): Promise<Refusal | undefined> {
  try {
    await budget.limiter.consume(budget.key)
    return undefined
  } catch (refused) {
    if (!(refused instanceof RateLimiterRes)) throw refused
    return { budget, waitMs: refused.msBeforeNext }
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
function hashed(...parts: string[]): string {
  return createHash('sha256').update(parts.join(' ')).digest('base64url').slice(0, 22)
}

function tooMany(waitMs: number): Problem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000))
  return new Problem(429, `Too many tries. Try again in ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  })
}
