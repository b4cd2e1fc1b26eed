import type { Redis, RedisConnection } from '@clew/kit/redis'
import { RESP_TYPES } from 'redis'
import { writeCursor } from './cursor.ts'
import { keysOf as keysOfList, type ListKind } from './list-keys.ts'
import { isMarker } from './list-scripts.ts'
import { joinPost } from './page.ts'
import { type CachedPost, keysOf as keysOfPosts, toCachedPost } from './post-text.ts'
import { fromRaw } from './raw-ids.ts'

export type KeptTimelines = ReturnType<typeof createKeptTimelines>

/**
 * Timelines as they wait in Redis, for when this service is away. Nothing is asked of Postgres or
 * profile and nothing is written, not even a lifetime: so what is found is five minutes old at most.
 */
export function createKeptTimelines(redis: Redis) {
  /** The newest posts, of those that are kept, as a page; undefined when there is none, or Redis is away. */
  async function read(userId: string, limit: number): Promise<string | undefined> {
    // More than needed: of some posts nothing but the id is kept.
    const ids = await readTimeline(userId, limit * 2)
    const found = ids && (await readPosts(ids))
    if (!found || (found.size === 0 && ids.length > 0)) return undefined
    const shown = [...found.values()].slice(0, limit)
    const originals = await readPosts(shown.flatMap(({ original }) => original ?? []))
    const posts = shown.flatMap((post) => join(post, originals) ?? [])
    const last = [...found.keys()].at(shown.length - 1)
    const next = last === ids.at(-1) ? null : `"${writeCursor(`timeline:${userId}`, last ?? '')}"`
    return `{"posts":[${posts.join()}],"count":${posts.length},"next_cursor":${next}}`
  }

  /** The ids of the reader's list and those of the celebrities, merged; undefined without a list. */
  async function readTimeline(userId: string, count: number): Promise<string[] | undefined> {
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
      ...(celebrities.match(/.{36}/g) ?? []).map((author) => readList('author', author, count)),
    ])
    if (!own) return undefined
    const ids = new Set([...own, ...others.flatMap((list) => list ?? [])])
    // As text, ids sort as their bytes do.
    return [...ids].sort().reverse().slice(0, count)
  }

  /** Undefined when there is no list. */
  async function readList(kind: ListKind, id: string, count: number) {
    const [key = ''] = keysOfList(kind, id)
    const entries = await redis.attempt({
      command: 'LRANGE',
      on: kind,
      send: (client) => withBuffers(client).lRange(key, 0, count - 1),
    })
    if (!entries || entries.length === 0) return undefined
    return fromRaw(Buffer.concat(entries.filter((entry) => !isMarker(entry))))
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

function withBuffers(client: RedisConnection) {
  return client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
}
