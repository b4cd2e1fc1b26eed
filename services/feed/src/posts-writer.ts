import { jitter } from '@clew/kit/lifetime'
import type { Redis, RedisCall, RedisConnection } from '@clew/kit/redis'
import { likedKey } from './liked.ts'
import { absent, countsKey, held, postKey, toCounts, toText } from './post-text.ts'
import { defineScript } from './script.ts'
import type { PostRow } from './store.ts'

/** One round trip, and what is untrue while it has not been made. */
export type PostsWrite = { call: RedisCall<unknown>; ids: string[]; keys: string[] }
export type PostsWriter = ReturnType<typeof createPostsWriter>

/** How long what is known of a post lasts, give or take. */
export const lifeSeconds = 3_600
const buriedSeconds = 60
const holdSeconds = 5
const chunk = 500

/** The writes for a process that tries again until they succeed: these throw RedisAway. */
export function createPostsWriter(redis: Redis) {
  return createPostsWrites(async ({ call }) => void (await redis.run(call)))
}

/** What is written of posts, each round trip by `write`. */
export function createPostsWrites(write: (given: PostsWrite) => Promise<void>) {
  /** A post that was just made. Whoever was quick to like it, or to change it, left something newer. */
  async function put(post: PostRow): Promise<void> {
    const [body, counts] = [postKey(post.id), countsKey(post.id)]
    const { like_count, comment_count, version } = post
    const send = (client: RedisConnection) =>
      client
        .multi()
        .set(body, toText(post), whenAbsent(jitter(lifeSeconds)))
        .set(counts, toCounts(like_count, comment_count, version), whenAbsent(jitter(lifeSeconds)))
        .execAsPipeline()
    const call = { command: 'SET', on: 'post', batch: 2, send }
    // What was not put is not there, and nothing is untrue: whoever reads fills it in.
    await write({ call, ids: [post.id], keys: [] })
  }

  /** After an edit, or a change of the author's card: old bodies are not shown, nor filled in. */
  async function hold(all: string[]): Promise<void> {
    for (const ids of chunksOf(all)) {
      const keys = ids.map(postKey)
      const send = (client: RedisConnection) => holdKeys(client, keys).execAsPipeline()
      await write({ call: { command: 'SET', on: 'post', batch: ids.length, send }, ids, keys })
    }
  }

  /** After a deletion. */
  async function bury(all: string[]): Promise<void> {
    for (const ids of chunksOf(all)) {
      const bodies = ids.map(postKey)
      const counts = ids.map(countsKey)
      const send = (client: RedisConnection) => {
        const multi = client.multi()
        for (const key of bodies) multi.set(key, absent, lasting(buriedSeconds))
        return multi.del(counts).execAsPipeline()
      }
      const call = { command: 'SET', on: 'post', batch: ids.length + 1, send }
      await write({ call, ids, keys: [...bodies, ...counts] })
    }
  }

  /**
   * The counts that a write left, unless newer ones are there already.
   * @param liked that this person likes the post from now on, or no longer
   */
  async function setCounts(
    id: string,
    likes: number,
    comments: number,
    version: number,
    liked?: { viewer: string; on: boolean },
  ): Promise<void> {
    const keys = [countsKey(id)]
    const counts = toCounts(likes, comments, version)
    const values = [counts, `${version}`, `${jitter(lifeSeconds)}`]
    if (liked) {
      keys.push(likedKey(liked.viewer))
      values.push(id, `${liked.on ? 1 : 0}:${version}`)
    }
    const send = (client: RedisConnection) => newerCounts(client, keys, values)
    await write({ call: { command: 'EVAL', on: 'counts', send }, ids: [id], keys })
  }

  return { put, hold, bury, setCounts }
}

/** Redis does nothing else during one of these. */
function* chunksOf(ids: string[]): Generator<string[]> {
  for (let at = 0; at < ids.length; at += chunk) yield ids.slice(at, at + chunk)
}

// KEYS: the counts, and the likes of whoever likes. ARGV: the counts, their version, a life in
// seconds; the post, and what its field becomes.
const newerCounts = defineScript(`
local version = tonumber(ARGV[2])
local known = redis.call('GET', KEYS[1])
if not known or tonumber(string.match(known, '%d+$')) < version then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
end
if KEYS[2] then
  local liked = redis.call('HGET', KEYS[2], ARGV[4])
  if not liked or tonumber(string.sub(liked, 3)) < version then
    redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
    if redis.call('TTL', KEYS[2]) < 0 then redis.call('EXPIRE', KEYS[2], ARGV[3]) end
  end
end
return 1
`)

/**
 * Takes keys of ours out of Redis. Bodies are held, since another process may still fill in what it
 * read before the change.
 */
export function removeKeys(client: RedisConnection, keys: string[]): Promise<unknown> {
  const [bodies, others] = [keys.filter(isPostKey), keys.filter((key) => !isPostKey(key))]
  if (bodies.length === 0) return client.del(others)
  const multi = holdKeys(client, bodies)
  if (others.length > 0) multi.del(others)
  return multi.execAsPipeline()
}

function isPostKey(key: string): boolean {
  return key.startsWith(postKey(''))
}

/** The commands that hold these bodies for longer than a read from before the change can take. */
function holdKeys(client: RedisConnection, keys: string[]) {
  const multi = client.multi()
  for (const key of keys) multi.set(key, held, lasting(holdSeconds))
  return multi
}

function lasting(seconds: number) {
  return { expiration: { type: 'EX', value: seconds } } as const
}

/** Does not replace what is there. */
export function whenAbsent(seconds: number) {
  return { condition: 'NX', ...lasting(seconds) } as const
}
