import { writeCursor } from '@clew/kit/cursor'
import type { Redis } from '@clew/kit/redis'
import { separateIds } from './id-text.ts'
import { keysOf as keysOfList, type ListKind } from './list-keys.ts'
import { end, isMarker } from './list-scripts/format.ts'
import { joinPost } from './page.ts'
import { type CachedPost, keysOf as keysOfPosts, toCachedPost } from './post-text.ts'
import { fromRaw } from './raw-ids.ts'
import { rawClient } from './script.ts'

export type KeptTimelines = ReturnType<typeof createKeptTimelines>

/**
 * Timelines as they wait in Redis, for when this service is away. Nothing is asked of Postgres or
 * profile and nothing is written, not even a lifetime: what nobody renews is gone after 5.5 minutes
 * (lists) or 66 (what posts say, and their counts). Likes and posts of the last moment may be missing.
 */
export function createKeptTimelines(redis: Redis) {
  /** The newest posts, of those that are kept, as a page; undefined when there is none, or Redis is away. */
  async function read(userId: string, limit: number): Promise<string | undefined> {
    // More than needed: of some posts nothing but the id is kept.
    const timeline = await readTimeline(userId, limit * 2)
    const found = timeline && (await readPosts(timeline.ids))
    if (!found || (found.size === 0 && !(timeline.ended && timeline.ids.length === 0))) {
      return undefined
    }
    const shown = [...found.values()].slice(0, limit)
    const originals = await readPosts(shown.flatMap(({ original }) => original ?? []))
    const posts = shown.flatMap((post) => join(post, originals) ?? [])
    const last = [...found.keys()].at(shown.length - 1)
    const all = timeline.ended && last === timeline.ids.at(-1)
    const next = all ? null : `"${writeCursor(`timeline:${userId}`, last ?? '')}"`
    return `{"posts":[${posts.join()}],"count":${posts.length},"next_cursor":${next}}`
  }

  /**
   * The ids of the reader's list and those of the celebrities, merged; undefined without a list.
   * `ended` when these are all there are.
   */
  async function readTimeline(userId: string, count: number) {
    const [, celebritiesKey = ''] = keysOfList('timeline', userId)
    const celebrities = await redis.attempt({
      command: 'GET',
      on: 'timeline',
      send: (client) => client.get(celebritiesKey),
    })
    // Without it the list is not built.
    if (typeof celebrities !== 'string') return undefined
    const [own, ...others] = await Promise.all([
      readList('timeline', userId, count),
      ...separateIds(celebrities).map((author) => readList('author', author, count)),
    ])
    if (!own) return undefined
    const merged = new Set([own, ...others].flatMap((list) => list?.ids ?? []))
    // As text, ids sort as their bytes do.
    const ids = [...merged].sort().reverse().slice(0, count)
    const ended = ids.length === merged.size && [own, ...others].every((list) => list?.ended)
    return { ids, ended }
  }

  /** Undefined when there is no list. */
  async function readList(kind: ListKind, id: string, count: number) {
    const [key = ''] = keysOfList(kind, id)
    const entries = await redis.attempt({
      command: 'LRANGE',
      on: kind,
      send: (client) => rawClient(client).lRange(key, 0, count - 1),
    })
    if (!entries || entries.length === 0) return undefined
    const ids = fromRaw(Buffer.concat(entries.filter((entry) => !isMarker(entry))))
    return { ids, ended: entries.at(-1)?.equals(end) ?? false }
  }

  /** In the order of `ids`, without those that are not kept. */
  async function readPosts(ids: string[]): Promise<Map<string, CachedPost> | undefined> {
    if (ids.length === 0) return new Map()
    const keys = keysOfPosts(ids)
    const values = await redis.attempt({
      command: 'MGET',
      on: 'post',
      send: (client) => client.mGet(keys),
    })
    if (!values) return undefined
    const posts = ids.flatMap((id, at) => {
      const post = toCachedPost(values[at], values[ids.length + at])
      return post ? [[id, post] as const] : []
    })
    return new Map(posts)
  }

  return { read }
}

/** A share whose original is not kept is left out: null would say that it was deleted. */
function join(post: CachedPost, originals: Map<string, CachedPost> | undefined) {
  const original = post.original && originals?.get(post.original)
  if (post.original && !original) return undefined
  return joinPost(post, original || null, undefined)
}
