import { jitter } from '@clew/kit/lifetime'
import type { Load, Overdue } from '@clew/kit/overdue'
import type { Redis, RedisConnection } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import {
  absent,
  type CachedPost,
  countsKey,
  held,
  keysOf,
  postKey,
  toCached,
  toCachedPost,
  toCounts,
  toText,
} from './post-text.ts'
import { createPostsWrites, lifeSeconds, type PostsWrite, whenAbsent } from './posts-writer.ts'
import type { PostRow, Store } from './store.ts'

/** In the order they were asked for; null where there is none. `hit` when Postgres was not needed. */
export type Found = { posts: (CachedPost | null)[]; hit: boolean }
export type PostsCache = ReturnType<typeof createPostsCache>

const absentSeconds = 10

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
    let [bodies, counted, buried] = [0, 0, 0]
    ids.forEach((id, at) => {
      const body = overdue.has(postKey(id)) ? undefined : values?.[at]
      const counts = overdue.has(countsKey(id)) ? undefined : values?.[ids.length + at]
      if (body && body !== held) bodies++
      if (body === absent) buried++
      else if (counts) counted++
      const post = body === absent ? null : toCachedPost(body, counts)
      if (post === undefined) missing.push(id)
      posts.push(post ?? null)
    })
    count('post', bodies, ids.length)
    // What is no more has none.
    count('counts', counted, ids.length - buried)
    if (missing.length === 0) return { posts, hit: true }
    // Shares bring what they share, so that this is the only statement for posts.
    const shared = posts.flatMap((post) => post?.original ?? [])
    const rows = await load([...new Set([...missing, ...shared])])
    for (const id of missing) {
      const row = rows.get(id)
      if (row) posts[ids.indexOf(id)] = toCached(row)
    }
    for (const post of posts) {
      const original = post?.original && rows.get(post.original)
      if (post?.original) post.shared = original ? toCached(original) : null
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
        // Those whose read was answered together with the fill still find it here.
        setImmediate(() => {
          for (const id of own) if (loading.get(id) === started) loading.delete(id)
        })
      })
      for (const id of own) loading.set(id, started)
    }
    const batches = new Set(ids.map((id) => loading.get(id)))
    const found = new Map<string, PostRow>()
    for (const batch of batches) for (const [id, row] of (await batch) ?? []) found.set(id, row)
    return found
  }

  async function loadAndFill(ids: string[]): Promise<Map<string, PostRow>> {
    using filling = overdue.load()
    const rows = new Map((await store.findPosts(ids)).map((row) => [row.id, row]))
    const all = [...new Set([...ids, ...rows.keys()])]
    await redis.attempt({
      command: 'SET',
      on: 'post',
      batch: all.length,
      send: (client) => fill(client, all, rows, filling),
    })
    return rows
  }

  async function fill(
    client: RedisConnection,
    ids: string[],
    rows: Map<string, PostRow>,
    { mayFill }: Load,
  ) {
    const multi = client.multi()
    for (const id of ids) {
      const row = rows.get(id)
      if (mayFill(postKey(id))) {
        const seconds = row ? jitter(lifeSeconds) : absentSeconds
        multi.set(postKey(id), row ? toText(row) : absent, whenAbsent(seconds))
      }
      if (row && mayFill(countsKey(id))) {
        multi.set(
          countsKey(id),
          toCounts(row.like_count, row.comment_count, row.version),
          whenAbsent(jitter(lifeSeconds)),
        )
      }
    }
    await multi.execAsPipeline()
  }

  /** What readers load from now on is the new state; what is on its way may be the old one. */
  async function write({ call, ids, keys }: PostsWrite): Promise<void> {
    for (const id of ids) loading.delete(id)
    try {
      await redis.run(call)
    } catch (error) {
      overdue.dropAfter(error, keys)
    }
  }

  return { readMany, receive, ...createPostsWrites(write) }
}

const tags = { post: { cache: 'post' }, counts: { cache: 'counts' } }

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
