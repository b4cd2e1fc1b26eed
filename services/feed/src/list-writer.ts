import type { Redis } from '@clew/kit/redis'
import { followingKey } from './following.ts'
import { countIds, idLength } from './id-text.ts'
import { keyOf, keysOf, type ListKind } from './list-keys.ts'
import { longest, pushToLists, slack } from './list-scripts.ts'
import { toRaw } from './raw-ids.ts'

export type ListWriter = ReturnType<typeof createListWriter>

/** How many people one push or drop takes at most: Redis does nothing else meanwhile. */
export const peopleAtOnce = 500

/** The writes for a process that tries again until they succeed: these throw RedisAway. */
export function createListWriter(redis: Redis) {
  async function drop(on: string, keys: string[]): Promise<void> {
    await redis.run({ command: 'DEL', on, send: (client) => client.del(keys) })
  }
  /** @param people ids with a space between them, up to 500 */
  function pushToText(kind: ListKind, people: string, postId: string): Promise<number> {
    const prefix = keyOf(kind, '')
    const keys = prefix + people.replaceAll(' ', ` ${prefix}`)
    const width = `${prefix.length + idLength}`
    const values = [keys, width, toRaw([postId]), `${longest}`, `${slack}`]
    return redis.run({
      command: 'EVAL',
      on: kind,
      batch: countIds(people),
      send: (client) => pushToLists<number>(client, [], values),
    })
  }
  return {
    pushToText,
    /** Gives the number of lists that were there. */
    push: (kind: ListKind, people: string[], postId: string): Promise<number> =>
      pushToText(kind, people.join(' '), postId),
    async drop(kind: ListKind, people: string[]): Promise<void> {
      await drop(
        kind,
        people.flatMap((id) => keysOf(kind, id)),
      )
    },
    /**
     * After a follow began or ended: the timeline, and whom this person follows. At once, so that
     * nobody builds the one from what the other was.
     */
    dropReader: (id: string) => drop('timeline', [...keysOf('timeline', id), followingKey(id)]),
  }
}
