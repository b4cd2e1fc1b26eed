import type { Redis } from '@clew/kit/redis'
import { splitIds } from './id-text.ts'
import { type ListWriter, peopleAtOnce } from './list-writer.ts'
import type { ProfileNeighbour } from './profile-neighbour.ts'
import type { Authors } from './store/authors.ts'

export type Crossings = ReturnType<typeof createCrossings>

const page = 10_000

/**
 * Authors who become celebrities. The timelines of all their followers are dropped, so that they
 * are built anew with that author merged in. A note in Redis stands until that is done: a worker
 * that died half-way goes on with the author's next post, or with the same one again.
 */
export function createCrossings(
  redis: Redis,
  authors: Authors,
  profile: ProfileNeighbour,
  lists: ListWriter,
) {
  async function dropTimelines(id: string): Promise<void> {
    let next: string | null = null
    do {
      const followers = await profile.findFollowers(id, page, next)
      for (const some of splitIds(followers.ids, peopleAtOnce)) {
        await lists.drop('timeline', some.split(' '))
      }
      next = followers.next
    } while (next)
    await redis.run({
      command: 'DEL',
      on: 'crossing',
      send: (client) => client.del(crossingKey(id)),
    })
  }

  return {
    async cross(id: string): Promise<void> {
      await redis.run({
        command: 'SET',
        on: 'crossing',
        send: (client) => client.set(crossingKey(id), '1'),
      })
      // Before the timelines are dropped: who builds one anew must find a celebrity.
      await authors.setCelebrity(id, true)
      await dropTimelines(id)
    },
    /** Does what is left of a crossing that broke off. */
    async finish(id: string): Promise<void> {
      const open = await redis.run({
        command: 'GET',
        on: 'crossing',
        send: (client) => client.get(crossingKey(id)),
      })
      if (open !== null) await dropTimelines(id)
    },
  }
}

function crossingKey(id: string): string {
  return `feed:crossing:${id}`
}
