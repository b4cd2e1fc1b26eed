import { randomUUID } from 'node:crypto'
import { jitter } from '@clew/kit/lifetime'
import type { Overdue } from '@clew/kit/overdue'
import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'

export type Kind = 'profile' | 'followers' | 'following'
/** The answer as JSON text; undefined when there is no such person. */
export type Answer = { text: string | undefined; from: 'hit' | 'miss' }
export type Load = () => Promise<string | undefined>
export type Cache = ReturnType<typeof createCache>

const lifeSeconds = { profile: 3_600, followers: 300, following: 300 } satisfies Record<
  Kind,
  number
>
const absentSeconds = 10
const claimMs = 5_000

// Answers are JSON objects; these two begin with something else.
const absent = '-'
const claimMark = '?'

// A claim that a change has dropped meanwhile is gone, and what was read before that change with it.
const fillIfClaimed = `
  if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
  return 1`

/**
 * Ready answers in Redis, cache-aside: a hit is one GET and no parsing.
 *
 * Whoever misses claims the key, reads Postgres and fills the key only if the claim still stands.
 * A change drops the key, claims included; so nothing older than the change can be filled in after it.
 * Redis slow or away counts as a miss.
 */
export function createCache(redis: Redis, metrics: Metrics, overdue: Overdue) {
  const loading = new Map<string, Promise<string | undefined>>()

  async function read(kind: Kind, id: string, load: Load): Promise<Answer> {
    const key = keyOf(kind, id)
    const found = overdue.has(key) ? undefined : await get(kind, key)
    const hit = found !== undefined
    metrics.count(hit ? 'cache.hit' : 'cache.miss', tags[kind])
    if (hit) return { text: found === absent ? undefined : found, from: 'hit' }
    return { text: await loadOnce(kind, key, load), from: 'miss' }
  }

  async function get(kind: Kind, key: string): Promise<string | undefined> {
    const found = await redis.attempt({
      command: 'GET',
      on: kind,
      send: (client) => client.get(key),
      outcome: (value) => ({ 'cache.hit': isAnswer(value) }),
    })
    return isAnswer(found) ? found : undefined
  }

  /** Those who miss the same key at once wait for one reader. */
  function loadOnce(kind: Kind, key: string, load: Load): Promise<string | undefined> {
    const running = loading.get(key)
    if (running) return running
    const started = loadAndFill(kind, key, load).finally(() => {
      if (loading.get(key) === started) loading.delete(key)
    })
    loading.set(key, started)
    return started
  }

  async function loadAndFill(kind: Kind, key: string, load: Load): Promise<string | undefined> {
    const claim = claimMark + randomUUID()
    const claimed = await redis.attempt({
      command: 'SET',
      on: kind,
      send: (client) =>
        client.set(key, claim, { condition: 'NX', expiration: { type: 'PX', value: claimMs } }),
    })
    const text = await load()
    if (claimed && !overdue.has(key)) {
      const seconds = String(text === undefined ? absentSeconds : jitter(lifeSeconds[kind]))
      await redis.attempt({
        command: 'EVAL',
        on: kind,
        send: (client) =>
          client.eval(fillIfClaimed, { keys: [key], arguments: [claim, text ?? absent, seconds] }),
      })
    }
    return text
  }

  /** The change is made: without Redis these keys are passed by until they are dropped. */
  async function drop(kind: Kind, keys: string[]): Promise<void> {
    for (const key of keys) loading.delete(key)
    await overdue.drop(kind, keys)
  }

  return {
    profile: (id: string, load: Load) => read('profile', id, load),
    /** The first page of a list, at the usual length. */
    list: (kind: 'followers' | 'following', id: string, load: Load) => read(kind, id, load),
    dropProfile: (id: string) => drop('profile', [keyOf('profile', id)]),
    /** Both people's counts and lists. */
    dropFollow: (follower: string, following: string) =>
      drop(
        'profile',
        [follower, following].flatMap((id) => kinds.map((kind) => keyOf(kind, id))),
      ),
  }
}

const kinds = Object.keys(lifeSeconds) as Kind[]

const tags = {
  profile: { cache: 'profile' },
  followers: { cache: 'followers' },
  following: { cache: 'following' },
}

function keyOf(kind: Kind, id: string): string {
  return `profile:${kind}:${id}`
}

function isAnswer(value: string | null | undefined): value is string {
  return typeof value === 'string' && !value.startsWith(claimMark)
}
