import type { KeptTimelines } from '@clew/feed/kept'
import type { IdentityReader } from '@clew/kit/identity'
import { Problem } from '@clew/kit/problem'
import type { Redis } from '@clew/kit/redis'

/** Finds somebody's page as JSON text; undefined when it is not kept, or Redis is away. */
export type FindPage = (id: string) => Promise<string | undefined>
/**
 * Finds the first page of somebody's timeline, for themselves alone; undefined also for any other page.
 * @throws Problem 401, and 403 for somebody else's
 */
export type FindTimeline = (
  id: string,
  query: URLSearchParams,
  authorization: string | undefined,
) => Promise<string | undefined>

/**
 * Reads the pages that profile keeps in its cache (services/profile/src/cache.ts), for when profile
 * itself is away. Beside pages there are marks, of claims and of people who do not exist.
 */
export function createPageFinder(redis: Redis): FindPage {
  return async (id) => {
    const text = await redis.attempt({
      command: 'GET',
      on: 'profile',
      send: (client) => client.get(`profile:profile:${id}`),
    })
    return text?.startsWith('{') ? text : undefined
  }
}

/** As feed does, but only out of its cache. With nobody to check the token, nothing is shown. */
export function createTimelineFinder(identity: IdentityReader, kept: KeptTimelines): FindTimeline {
  return async (id, query, authorization) => {
    const { userId } = await identity.require(authorization)
    if (userId !== id) throw new Problem(403, 'Only the person themselves may read a timeline.')
    const limit = readLimit(query)
    return limit ? kept.read(id, limit) : undefined
  }
}

/** How many posts the first page is to have; undefined when another page is asked for. */
function readLimit(query: URLSearchParams): number | undefined {
  const { limit = '20', order = 'newest', page = '1', cursor } = Object.fromEntries(query)
  const first = order === 'newest' && page === '1' && cursor === undefined
  return first && /^(?:[1-9]|[1-4]\d|50)$/.test(limit) ? Number(limit) : undefined
}
