import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, type RedisClientType } from 'redis'
import { readPlatform } from './platform.ts'

const patienceMs = 10_000
const newest = 500
const pauseMs = 25

/**
 * Waits until every consumer group of a stream has handled the newest fact that names all of these
 * ids, such as `user.followed` with the ids of both. What follows from it has happened then.
 * @throws Error when there is no such fact, or it is not handled, within ten seconds
 */
export async function untilHandled(stream: string, ...ids: string[]): Promise<void> {
  const client = await openAdmin()
  try {
    const deadline = Date.now() + patienceMs
    while (!(await isHandled(client, stream, ids))) {
      if (Date.now() > deadline) throw new Error(`${stream}: ${ids.join(' and ')} is not handled`)
      await sleep(pauseMs)
    }
  } finally {
    client.destroy()
  }
}

/** Redis as its administrator sees it. */
export async function openAdmin(): Promise<RedisClientType> {
  const client = createClient({ url: readPlatform().urls.redis }) as RedisClientType
  return client.connect()
}

async function isHandled(client: RedisClientType, stream: string, ids: string[]): Promise<boolean> {
  const entries = (await client.xRevRange(stream, '+', '-', { COUNT: newest })) ?? []
  const fact = entries.find(({ message }) => ids.every((id) => message.payload?.includes(id)))
  if (!fact) return false
  const groups = await client.xInfoGroups(stream)
  for (const group of groups) {
    if (isBefore(String(group['last-delivered-id']), fact.id)) return false
    const pending = await client.xPendingRange(stream, String(group.name), fact.id, fact.id, 1)
    if (pending.length > 0) return false
  }
  return true
}

/** Ids of a stream are `{milliseconds}-{sequence}`. */
function isBefore(one: string, other: string): boolean {
  const [ms = 0, sequence = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherSequence = 0] = other.split('-').map(Number)
  return ms < otherMs || (ms === otherMs && sequence < otherSequence)
}
