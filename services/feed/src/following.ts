import { randomUUID } from 'node:crypto'
import { jitter } from '@clew/kit/lifetime'
import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import type { ProfileNeighbour } from './profile-neighbour.ts'
import { defineScript } from './script.ts'

export type Following = ReturnType<typeof createFollowing>
type Loading = { claim: string; since: number; ids: Promise<string[]> }

const lifeSeconds = 3_600
const claimMs = 5_000
// What is kept is a JSON array.
const claimMark = '?'
const tags = { cache: 'following' }

// A claim that a follow has dropped meanwhile is gone, and what was read before it with it.
const fillIfClaimed = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
`)

/** Whom people follow, as profile last told it. The worker drops it when a follow begins or ends. */
export function createFollowing(redis: Redis, profile: ProfileNeighbour, metrics: Metrics) {
  const loading = new Map<string, Loading>()
  let time = 0

  /** `hit` when profile was not needed. @throws Problem 503 when it was, and is away */
  async function read(id: string): Promise<{ ids: string[]; hit: boolean }> {
    const asked = ++time
    const found = await get(id)
    const hit = found?.startsWith('[') === true
    metrics.count(hit ? 'cache.hit' : 'cache.miss', tags)
    if (hit) return { ids: JSON.parse(found), hit }
    return { ids: await loadOnce(id, asked, found), hit }
  }

  async function get(id: string): Promise<string | null | undefined> {
    return redis.attempt({
      command: 'GET',
      on: 'following',
      send: (client) => client.get(followingKey(id)),
      outcome: (value) => ({ 'cache.hit': value?.startsWith('[') === true }),
    })
  }

  /**
   * Those who miss at once wait for one reader; but not for one who began before a drop that this
   * reader has seen, or may have missed while Redis is away: what that one finds may be older.
   */
  function loadOnce(id: string, asked: number, found: string | null | undefined) {
    const running = loading.get(id)
    if (running && (found === running.claim || running.since > asked)) return running.ids
    const claim = claimMark + randomUUID()
    const started = { claim, since: ++time, ids: loadAndFill(id, claim) }
    loading.set(id, started)
    const forget = () => {
      if (loading.get(id) === started) loading.delete(id)
    }
    started.ids.then(forget, forget)
    return started.ids
  }

  async function loadAndFill(id: string, claim: string): Promise<string[]> {
    const claimed = await redis.attempt({
      command: 'SET',
      on: 'following',
      send: (client) =>
        client.set(followingKey(id), claim, {
          condition: 'NX',
          expiration: { type: 'PX', value: claimMs },
        }),
    })
    const ids = await profile.findFollowing(id)
    if (!claimed) return ids
    await redis.attempt({
      command: 'EVAL',
      on: 'following',
      send: (client) =>
        fillIfClaimed(
          client,
          [followingKey(id)],
          [claim, JSON.stringify(ids), `${jitter(lifeSeconds)}`],
        ),
    })
    return ids
  }

  return { read }
}

export function followingKey(id: string): string {
  return `feed:following:${id}`
}
