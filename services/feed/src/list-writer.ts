import type { Redis } from '@clew/kit/redis'
import { followingKey } from './following.ts'
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
  return {
    /** Gives the number of lists that were there. */
    push: (kind: ListKind, people: string[], postId: string): Promise<number> =>
      redis.run({
        command: 'EVAL',
        on: kind,
        batch: people.length,
        send: (client) =>
          pushToLists<number>(
            client,
            [],
            [keyOf(kind, ''), people.join(''), toRaw([postId]), `${longest}`, `${slack}`],
          ),
      }),
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
