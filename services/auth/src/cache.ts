import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import { type Session, sessionSeconds } from './session.ts'

export type SessionCache = {
  /** Undefined on a miss, and when Redis is away. */
  read(id: string): Promise<Session | undefined>
  /** As `read` for many, in one round trip and the same order. */
  readMany(ids: string[]): Promise<(Session | undefined)[]>
  write(session: Session): Promise<void>
  drop(id: string): Promise<void>
}

const key = (id: string) => `auth:session:${id}`

/** Sessions as JSON under `auth:session:{id}`, for as long as they last. Postgres holds the truth. */
export function createSessionCache(redis: Redis, metrics: Metrics): SessionCache {
  const count = (operation: string, answer: unknown, result = 'done') => {
    if (answer === undefined) result = 'away'
    metrics.count('cache_operations', { operation, result })
  }
  return {
    async read(id) {
      const found = await redis.attempt({
        command: 'GET',
        on: 'session',
        send: (client) => client.get(key(id)),
        outcome: (value) => ({ 'cache.hit': value !== null }),
      })
      count('get', found, found ? 'hit' : 'miss')
      return found ? toSession(found) : undefined
    },
    async readMany(ids) {
      const found = await redis.attempt({
        command: 'MGET',
        on: 'session',
        send: (client) => client.mGet(ids.map(key)),
        outcome: (values) => ({ 'cache.hit': values.every((value) => value !== null) }),
      })
      count('mget', found, found?.every(Boolean) ? 'hit' : 'miss')
      return ids.map((_, index) => {
        const text = found?.[index]
        return text ? toSession(text) : undefined
      })
    },
    async write(session) {
      const left = Math.ceil((session.expiresAt.getTime() - Date.now()) / 1_000)
      const seconds = Math.min(sessionSeconds, left)
      if (seconds < 1) return
      const done = await redis.attempt({
        command: 'SET',
        on: 'session',
        send: (client) => client.set(key(session.id), JSON.stringify(session), { EX: seconds }),
      })
      count('set', done)
    },
    async drop(id) {
      const done = await redis.attempt({
        command: 'DEL',
        on: 'session',
        send: (client) => client.del(key(id)),
      })
      count('del', done)
    },
  }
}

function toSession(text: string): Session {
  const session = JSON.parse(text)
  return { ...session, expiresAt: new Date(session.expiresAt) }
}
