import { jitter } from '@clew/kit/lifetime'
import type { Overdue } from '@clew/kit/overdue'
import { Problem } from '@clew/kit/problem'
import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import { defineScript } from './script.ts'
import type { Store } from './store.ts'

/** `liked` in the order of the posts asked for; undefined when nobody can say. */
export type LikedPosts = {
  liked: boolean[] | undefined
  /** What Redis has under the keys that were read along; undefined when it is away. */
  along: (string | null)[] | undefined
}
export type Liked = ReturnType<typeof createLiked>

const lifeSeconds = 3_600
const most = 2_000
const oldest = '00000000-0000-0000-0000-000000000000'

/**
 * Which posts a person likes, newest posts first, as a hash in Redis. The field `floor` is the oldest
 * post that it is complete down to. Writers keep it right; readers fill only fields that are not there.
 */
export function createLiked(redis: Redis, store: Store, metrics: Metrics, overdue: Overdue) {
  const loading = new Map<string, Promise<Set<string> | undefined>>()

  /** One round trip, which may take other keys along. */
  async function read(viewer: string, ids: string[], along: string[] = []): Promise<LikedPosts> {
    const key = likedKey(viewer)
    const answer = await redis.attempt({
      command: 'HMGET',
      on: 'liked',
      ...(along.length > 0 && { batch: 2 }),
      send: async (client) => {
        const [fields, texts] = await Promise.all([
          client.hmGet(key, ['floor', ...ids]),
          along.length > 0 ? client.mGet(along) : undefined,
        ])
        return { fields, texts, liked: readFields(ids, fields) }
      },
      outcome: ({ liked }) => ({ 'cache.hit': liked !== undefined }),
    })
    const usable = overdue.has(key) ? undefined : answer
    metrics.count(usable?.liked ? 'cache.hit' : 'cache.miss', tags)
    return {
      liked: usable?.liked ?? (await load(viewer, ids, usable?.fields)),
      along: answer?.texts,
    }
  }

  /** Undefined while Postgres is away: a post can be read without. */
  async function load(viewer: string, ids: string[], fields: (string | null)[] | undefined) {
    const liked = await (fields
      ? loadOnce(viewer, ids, Boolean(fields[0]))
      : findLikes(viewer, ids, 0))
    // What a writer left is newer than what was loaded, maybe by somebody who began before it.
    return liked && ids.map((id, at) => fields?.[at + 1]?.startsWith('1') ?? liked.has(id))
  }

  /** Those who miss the same at once wait for one reader. */
  function loadOnce(viewer: string, ids: string[], partly: boolean) {
    const name = `${viewer} ${ids.join()}`
    const running = loading.get(name)
    if (running) return running
    const started = loadAndFill(viewer, ids, partly).finally(() => {
      // Those whose read was answered together with the fill still find it here.
      setImmediate(() => loading.delete(name))
    })
    loading.set(name, started)
    return started
  }

  async function loadAndFill(viewer: string, ids: string[], partly: boolean) {
    const key = likedKey(viewer)
    using filling = overdue.load()
    const liked = await findLikes(viewer, ids, partly ? 0 : most + 1)
    // What lies below the floor is asked for each time: nobody can say how much that would become.
    if (!liked || partly || !filling.mayFill(key)) return liked
    const newest = [...liked].slice(0, most)
    const floor = (liked.size > most && newest.at(-1)) || oldest
    const values = [`${jitter(lifeSeconds)}`, floor, ...newest]
    await redis.attempt({
      command: 'EVAL',
      on: 'liked',
      send: (client) => fillLiked(client, [key], values),
    })
    return liked
  }

  /** Newest first: these posts as far as they are liked, and so many of the newest liked. */
  async function findLikes(viewer: string, ids: string[], newest: number) {
    try {
      return new Set(await store.findLikes(viewer, ids, newest))
    } catch (error) {
      if (error instanceof Problem && error.status === 503) return undefined
      throw error
    }
  }

  return { read }
}

export function likedKey(viewer: string): string {
  return `feed:liked:${viewer}`
}

/** Undefined unless each is known: by its field, or by none in the part that is complete. */
function readFields(ids: string[], [floor, ...fields]: (string | null)[]): boolean[] | undefined {
  const liked: boolean[] = []
  for (const [at, id] of ids.entries()) {
    const field = fields[at]
    if (!field && !(floor && id >= floor)) return undefined
    liked.push(field?.startsWith('1') ?? false)
  }
  return liked
}

// KEYS: the hash. ARGV: a life in seconds, the floor, what is liked down to it.
// A version of 0 is older than any that a writer leaves.
const fillLiked = defineScript(`
for at = 3, #ARGV do redis.call('HSETNX', KEYS[1], ARGV[at], '1:0') end
redis.call('HSET', KEYS[1], 'floor', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
`)

const tags = { cache: 'liked' }
