import { Problem } from '@clew/kit/problem'
import { type Redis, RedisAway, type RedisConnection } from '@clew/kit/redis'
import type { Connections, LiveSocket } from './connections.ts'

/** `last_seen` is null for somebody who never was here, or more than 30 days ago. */
export type PersonPresence = { user_id: string; online: boolean; last_seen: string | null }
export type Presence = ReturnType<typeof createPresence>

const mostSockets = 10
const seenSeconds = 30 * 24 * 3_600
const perTrip = 100

const keyOf = (userId: string) => `messaging:presence:${userId}`
const seenKeyOf = (userId: string) => `messaging:seen:${userId}`

/**
 * Who is there. Each socket is an entry in its owner's sorted set, good until the time that is its
 * score; each instance renews those of its sockets, and when it dies they end by themselves.
 */
export function createPresence(redis: Redis, connections: Connections, seconds: number) {
  const lifeMs = seconds * 1_000

  function run(script: string, userId: string, ...rest: (string | number)[]) {
    const keys = [keyOf(userId), seenKeyOf(userId)]
    const words = [Date.now(), seenSeconds, ...rest].map(String)
    return redis.attempt({
      command: 'EVAL',
      on: 'presence',
      send: (client) => client.eval(script, { keys, arguments: words }) as Promise<number>,
    })
  }

  /**
   * Somebody connects. Gives whether they were not there before, undefined while Redis is away.
   * @throws Problem 429 when they have ten sockets, over all instances; over this one without Redis
   */
  async function enter(userId: string, socketId: string): Promise<boolean | undefined> {
    const before = await run(enterScript, userId, socketId, lifeMs, mostSockets)
    const full = before === undefined ? connections.of(userId).size >= mostSockets : before < 0
    if (full) throw new Problem(429, `One person has at most ${mostSockets} sockets at once.`)
    return before === undefined ? undefined : before === 0
  }

  /** Gives whether they are gone altogether, undefined while Redis is away. */
  async function leave(userId: string, socketId: string): Promise<boolean | undefined> {
    const left = await run(leaveScript, userId, socketId)
    return left === undefined ? undefined : left === 0
  }

  /** @throws Problem 503 while Redis is away */
  async function read(userIds: string[]): Promise<PersonPresence[]> {
    if (userIds.length === 0) return []
    const now = Date.now()
    const send = (client: RedisConnection) =>
      Promise.all([
        Promise.all(userIds.map((id) => client.zCount(keyOf(id), now, '+inf'))),
        client.mGet(userIds.map(seenKeyOf)),
      ])
    const call = { command: 'ZCOUNT', on: 'presence', batch: userIds.length + 1, send }
    const [counts, seen] = await redis.run(call).catch(throwAway)
    return userIds.map((user_id, at) => {
      const last = Number(seen[at])
      return {
        user_id,
        online: (counts[at] ?? 0) > 0 || connections.of(user_id).size > 0,
        last_seen: last > 0 ? new Date(last).toISOString() : null,
      }
    })
  }

  /** Says of everybody here that they still are; all over again if Redis has forgotten. */
  async function renew(): Promise<void> {
    const expiration = { type: 'EX', value: seenSeconds } as const
    await eachBatch((client, userId, sockets, now) => [
      client.zAdd(keyOf(userId), entriesOf(sockets, now + lifeMs)),
      client.pExpire(keyOf(userId), lifeMs),
      client.set(seenKeyOf(userId), now, { expiration }),
    ])
  }

  /** Takes out everybody here. They connect elsewhere at once, so nobody is told. */
  async function clear(): Promise<void> {
    await eachBatch((client, userId, sockets) => [
      client.zRem(
        keyOf(userId),
        entriesOf(sockets, 0).map(({ value }) => value),
      ),
    ])
  }

  type Commands = (
    client: RedisConnection,
    userId: string,
    sockets: ReadonlySet<LiveSocket>,
    now: number,
  ) => Promise<unknown>[]

  async function eachBatch(commands: Commands): Promise<void> {
    const people = [...connections.entries()]
    for (let at = 0; at < people.length; at += perTrip) {
      // Some may have gone while the batch before was under way, and nothing cannot be written.
      const batch = people.slice(at, at + perTrip).filter(([, sockets]) => sockets.size > 0)
      const now = Date.now()
      await redis.attempt({
        command: 'ZADD',
        on: 'presence',
        batch: batch.length,
        send: (client) =>
          Promise.all(batch.flatMap(([id, sockets]) => commands(client, id, sockets, now))),
      })
    }
  }

  return { enter, leave, read, renew, clear }
}

function entriesOf(sockets: ReadonlySet<LiveSocket>, score: number) {
  return Array.from(sockets, ({ id }) => ({ score, value: id }))
}

function throwAway(error: unknown): never {
  if (!(error instanceof RedisAway)) throw error
  throw new Problem(503, 'Who is there is not known right now.', { cause: error })
}

// Both first forget whoever did not renew. Given: now, seconds to remember when somebody was seen,
// the socket; then for whom enters how long that is good, and how many sockets there may be.
const forget = `redis.call('zremrangebyscore', KEYS[1], '-inf', ARGV[1])`
const remember = `redis.call('set', KEYS[2], ARGV[1], 'EX', ARGV[2])`

/** Gives how many sockets there were before, -1 when there were too many for one more. */
const enterScript = `
${forget}
local before = redis.call('zcard', KEYS[1])
if before >= tonumber(ARGV[5]) then return -1 end
redis.call('zadd', KEYS[1], ARGV[1] + ARGV[4], ARGV[3])
redis.call('pexpire', KEYS[1], ARGV[4])
${remember}
return before`

/** Gives how many are left. */
const leaveScript = `
${forget}
redis.call('zrem', KEYS[1], ARGV[3])
${remember}
return redis.call('zcard', KEYS[1])`
