import type { Redis, RedisCall, RedisConnection } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import { jitter } from './lifetime.ts'
import { likedKey } from './liked.ts'
import type { Overdue } from './overdue.ts'
import { defineScript } from './script.ts'
import type { PostRow, Store } from './store.ts'

/** A post as it waits in Redis: JSON text that an answer is put together of. */
export type CachedPost = {
  /** An object without its closing brace, and without what changes by itself: counts and shares. */
  body: string
  /** What is shared: null when that is gone, undefined when this is no share. */
  original: string | null | undefined
  /** The digits. */
  likes: string
  comments: string
}
/** In the order they were asked for; null where there is none. `hit` when Postgres was not needed. */
export type Found = { posts: (CachedPost | null)[]; hit: boolean }
export type PostsCache = ReturnType<typeof createPostsCache>

const lifeSeconds = 3_600
const absentSeconds = 10
const buriedSeconds = 60
const holdSeconds = 5
const chunk = 500

// Bodies begin with `{`, those of shares with `>` and the id of the original; these with neither.
const absent = '-'
const held = '?'
const share = '>'
const noOriginal = '-'.repeat(36)

/**
 * Posts in Redis. What a reader loads is filled in with `NX`: it never replaces what a writer left.
 * A writer that cannot say what a post is now holds its key, which nobody may fill for longer than
 * a read from before the change can still be on its way.
 */
export function createPostsCache(redis: Redis, store: Store, metrics: Metrics, overdue: Overdue) {
  const loading = new Map<string, Promise<Map<string, PostRow>>>()

  async function readMany(ids: string[]): Promise<Found> {
    if (ids.length === 0) return { posts: [], hit: true }
    const keys = keysOf(ids)
    const values = await redis.attempt({
      command: 'MGET',
      on: 'post',
      send: (client) => client.mGet(keys),
      outcome: isWhole,
    })
    return receive(ids, values)
  }

  /** The posts behind what Redis gave for `keysOf(ids)`; loads those that it could not give. */
  async function receive(ids: string[], values: (string | null)[] | undefined): Promise<Found> {
    const posts: (CachedPost | null)[] = []
    const missing: string[] = []
    let bodies = 0
    let counted = 0
    ids.forEach((id, at) => {
      const body = overdue.has(postKey(id)) ? undefined : values?.[at]
      const counts = overdue.has(countsKey(id)) ? undefined : values?.[ids.length + at]
      if (body && body !== held) bodies++
      if (counts) counted++
      const post = body === absent ? null : toCachedPost(body, counts)
      if (post === undefined) missing.push(id)
      posts.push(post ?? null)
    })
    count('post', bodies, ids.length)
    count('counts', counted, ids.length)
    if (missing.length === 0) return { posts, hit: true }
    const rows = await load(missing)
    for (const id of missing) {
      const row = rows.get(id)
      if (row) posts[ids.indexOf(id)] = toCached(row)
    }
    return { posts, hit: false }
  }

  function count(cache: 'post' | 'counts', hits: number, all: number): void {
    if (hits > 0) metrics.count('cache.hit', tags[cache], hits)
    if (hits < all) metrics.count('cache.miss', tags[cache], all - hits)
  }

  /** Those who miss the same post at once wait for one reader. */
  async function load(ids: string[]): Promise<Map<string, PostRow>> {
    const own = ids.filter((id) => !loading.has(id))
    if (own.length > 0) {
      const started = loadAndFill(own).finally(() => {
        for (const id of own) if (loading.get(id) === started) loading.delete(id)
      })
      for (const id of own) loading.set(id, started)
    }
    const batches = new Set(ids.map((id) => loading.get(id)))
    const found = new Map<string, PostRow>()
    for (const batch of batches) for (const [id, row] of (await batch) ?? []) found.set(id, row)
    return found
  }

  async function loadAndFill(ids: string[]): Promise<Map<string, PostRow>> {
    const rows = new Map((await store.findPosts(ids)).map((row) => [row.id, row]))
    await redis.attempt({
      command: 'SET',
      on: 'post',
      batch: ids.length,
      send: (client) => fill(client, ids, rows),
    })
    return rows
  }

  async function fill(client: RedisConnection, ids: string[], rows: Map<string, PostRow>) {
    const multi = client.multi()
    for (const id of ids) {
      const row = rows.get(id)
      if (!overdue.has(postKey(id))) {
        const seconds = row ? jitter(lifeSeconds) : absentSeconds
        multi.set(postKey(id), row ? toText(row) : absent, whenAbsent(seconds))
      }
      if (row && !overdue.has(countsKey(id))) {
        multi.set(countsKey(id), toCounts(row), whenAbsent(jitter(lifeSeconds)))
      }
    }
    await multi.execAsPipeline()
  }

  /** What readers load from now on is the new state; what is on its way may be the old one. */
  async function write(call: RedisCall<unknown>, ids: string[], keys: string[]): Promise<void> {
    for (const id of ids) loading.delete(id)
    try {
      await redis.run(call)
    } catch (error) {
      overdue.dropAfter(error, keys)
    }
  }

  /** A post that was just made. Whoever was quick to like it, or to change it, left something newer. */
  async function put(post: PostRow): Promise<void> {
    const [body, counts] = [postKey(post.id), countsKey(post.id)]
    const send = (client: RedisConnection) =>
      client
        .multi()
        .set(body, toText(post), whenAbsent(jitter(lifeSeconds)))
        .set(counts, toCounts(post), whenAbsent(jitter(lifeSeconds)))
        .execAsPipeline()
    await write({ command: 'SET', on: 'post', batch: 2, send }, [post.id], [body, counts])
  }

  /** After an edit, or a change of the author's card: old bodies are not shown, nor filled in. */
  async function hold(ids: string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += chunk) {
      const some = ids.slice(at, at + chunk)
      const keys = some.map(postKey)
      const send = (client: RedisConnection) => {
        const multi = client.multi()
        for (const key of keys) multi.set(key, held, lasting(holdSeconds))
        return multi.execAsPipeline()
      }
      await write({ command: 'SET', on: 'post', batch: some.length, send }, some, keys)
    }
  }

  /** After a deletion. */
  async function bury(ids: string[]): Promise<void> {
    const bodies = ids.map(postKey)
    const counts = ids.map(countsKey)
    const send = (client: RedisConnection) => {
      const multi = client.multi()
      for (const key of bodies) multi.set(key, absent, lasting(buriedSeconds))
      return multi.del(counts).execAsPipeline()
    }
    const call = { command: 'SET', on: 'post', batch: ids.length + 1, send }
    await write(call, ids, [...bodies, ...counts])
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
    const values = [`${likes},${comments},${version}`, `${version}`, `${jitter(lifeSeconds)}`]
    if (liked) {
      keys.push(likedKey(liked.viewer))
      values.push(id, `${liked.on ? 1 : 0}:${version}`)
    }
    const send = (client: RedisConnection) => newerCounts(client, keys, values)
    await write({ command: 'EVAL', on: 'counts', send }, [id], keys)
  }

  return { readMany, receive, put, hold, bury, setCounts }
}

/** Where Redis has these posts: the bodies, then the counts. */
export function keysOf(ids: string[]): string[] {
  return [...ids.map(postKey), ...ids.map(countsKey)]
}

/** A post from Postgres in the form in which it is kept in Redis. */
export function toCached(row: PostRow): CachedPost {
  const { id, user_id, author, content, media_ids, created_at, updated_at } = row
  const media = media_ids.map((mediaId) => ({ id: mediaId }))
  const text = JSON.stringify({ id, user_id, author, content, media, created_at, updated_at })
  return {
    body: text.slice(0, -1),
    original: row.is_share ? row.shared_post_id : undefined,
    likes: `${row.like_count}`,
    comments: `${row.comment_count}`,
  }
}

function toText(row: PostRow): string {
  const { body, original } = toCached(row)
  return original === undefined ? body : share + (original ?? noOriginal) + body
}

/** What Redis has under the two keys of a post; undefined unless both are there. */
export function toCachedPost(
  text: string | null | undefined,
  counts: string | null | undefined,
): CachedPost | undefined {
  if (!text || !counts || text === absent || text === held) return undefined
  const first = counts.indexOf(',')
  const post: CachedPost = {
    body: text,
    original: undefined,
    likes: counts.slice(0, first),
    comments: counts.slice(first + 1, counts.indexOf(',', first + 1)),
  }
  if (!text.startsWith(share)) return post
  const original = text.slice(1, 37)
  post.original = original === noOriginal ? null : original
  post.body = text.slice(37)
  return post
}

function toCounts(row: PostRow): string {
  return `${row.like_count},${row.comment_count},${row.version}`
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

const tags = { post: { cache: 'post' }, counts: { cache: 'counts' } }

export function postKey(id: string): string {
  return `feed:post:${id}`
}

export function countsKey(id: string): string {
  return `feed:counts:${id}`
}

/** Whether Redis had all of what was asked for with `keysOf`. A deleted post has no counts. */
function isWhole(values: (string | null)[]) {
  const half = values.length / 2
  for (let at = 0; at < half; at++) {
    const body = values[at]
    if (!body || body === held || (body !== absent && !values[half + at])) return missed
  }
  return found
}

const found = { 'cache.hit': true }
const missed = { 'cache.hit': false }

function lasting(seconds: number) {
  return { expiration: { type: 'EX', value: seconds } } as const
}

function whenAbsent(seconds: number) {
  return { condition: 'NX', ...lasting(seconds) } as const
}
