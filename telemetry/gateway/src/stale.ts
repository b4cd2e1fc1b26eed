import type { Redis } from '@clew/kit/redis'

/** Finds somebody's page as JSON text; undefined when it is not kept, or Redis is away. */
export type FindPage = (id: string) => Promise<string | undefined>

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
