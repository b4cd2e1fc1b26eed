import { randomBytes } from 'node:crypto'
import type { Redis } from '@clew/kit/redis'
import { followingKey } from './following.ts'
import { countIds, idLength } from './id-text.ts'
import { keyOf, keysOf, type ListKind } from './list-keys.ts'
import { aheadKey, own } from './list-scripts/ahead.ts'
import { longest, slack } from './list-scripts/format.ts'
import { pushToLists } from './list-scripts/push.ts'
import { toRaw } from './raw-ids.ts'

export type ListWriter = ReturnType<typeof createListWriter>

/** How many people one push or drop takes at most: Redis does nothing else meanwhile. */
export const peopleAtOnce = 500

/** The writes for a process that tries again until they succeed: these throw RedisAway. */
export function createListWriter(redis: Redis) {
  async function drop(on: string, keys: string[]): Promise<void> {
    await redis.run({ command: 'DEL', on, send: (client) => client.del(keys) })
  }
  function push(
    kind: ListKind,
    people: string,
    postId: string,
    how: string,
    looked = 0,
  ): Promise<number> {
    const prefix = keyOf(kind, '')
    const keys = prefix + people.replaceAll(' ', ` ${prefix}`)
    const width = `${prefix.length + idLength}`
    const id = toRaw([postId])
    const values = [keys, width, id, `${longest}`, `${slack}`, how, `${looked}`]
    return redis.run({
      command: 'EVAL',
      on: kind,
      batch: countIds(people),
      send: (client) => pushToLists<number>(client, kind === 'timeline' ? [aheadKey] : [], values),
    })
  }
  return {
    /** To the author alone, before or after everybody else. Gives the number of lists that were there. */
    pushOwn: (kind: ListKind, authorId: string, postId: string): Promise<number> =>
      push(kind, authorId, postId, own),
    /**
     * To the timelines of an author, first of all, and of followers, each of them once.
     * @param people ids with a space between them, up to 500 at a time
     */
    startFanout(postId: string): (people: string) => Promise<number> {
      const token = randomBytes(8).toString('base64url')
      // The author may have it already.
      let looked = 1
      return (people) => {
        const pushed = push('timeline', people, postId, token, looked)
        looked = 0
        return pushed
      }
    },
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
