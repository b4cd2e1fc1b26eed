import { readCursor, writeCursor } from '@clew/kit/cursor'
import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import { idLength, separateIds } from './id-text.ts'
import type { ReadIds } from './list-reader.ts'
import type { Page, PageReader } from './page.ts'
import type { CachedPost } from './post-text.ts'
import type { PostsCache } from './posts-cache.ts'
import type { NumberedQuery } from './schemas.ts'

export type Ranking = ReturnType<typeof createRanking>
type Deps = {
  redis: Redis
  readIds: ReadIds
  postsCache: PostsCache
  pages: PageReader
  metrics: Metrics
}
type Snapshot = {
  ids: string[]
  /** Those that are known already. */
  posts: Map<string, CachedPost> | undefined
  hit: boolean
}

const candidates = 200
const lifeSeconds = 300
/** In a cursor, how many of the order were shown. */
const place = /^\d{1,3}$/
const tags = { cache: 'ranked' }

/**
 * A timeline ranked by how recent a post is and how much it is talked about. The order is kept when
 * the first page is read, so that later pages go on in it whatever is liked meanwhile. One order is
 * kept of each reader: who reads a first page again goes on in the newer one everywhere.
 */
export function createRanking({ redis, readIds, postsCache, pages, metrics }: Deps) {
  /** @throws Problem 400 or 503 */
  async function read(reader: string, { limit, cursor, page = 1 }: NumberedQuery): Promise<Page> {
    const list = `ranked:${reader}`
    let at = cursor === undefined ? (page - 1) * limit : Number(readCursor(list, cursor, place))
    let snapshot = cursor === undefined ? undefined : await readSnapshot(reader, at)
    // It is gone, or none was asked for: ranked anew, and gone on at the same place.
    snapshot ??= await rank(reader, at + limit)

    const shown = { ids: [] as string[], posts: [] as CachedPost[] }
    let { hit } = snapshot
    while (shown.ids.length < limit && at < snapshot.ids.length) {
      const ids = snapshot.ids.slice(at, at + limit - shown.ids.length)
      const known = snapshot.posts
      const found = known
        ? { posts: ids.map((id) => known.get(id)), hit: true }
        : await postsCache.readMany(ids)
      for (const [index, post] of found.posts.entries()) {
        if (!post) continue
        shown.ids.push(ids[index] ?? '')
        shown.posts.push(post)
      }
      at += ids.length
      hit &&= found.hit
    }
    const next = at < snapshot.ids.length ? writeCursor(list, `${at}`) : null
    const answer = await pages.read(shown.ids, shown.posts, { viewer: reader, next, hit })
    metrics.count('timeline.size', {}, answer.count)
    return answer
  }

  async function readSnapshot(reader: string, at: number): Promise<Snapshot | undefined> {
    const text = await redis.attempt({
      command: 'GET',
      on: 'ranked',
      send: (client) => client.get(keyOf(reader)),
      outcome: (value) => ({ 'cache.hit': value !== null }),
    })
    metrics.count(text ? 'cache.hit' : 'cache.miss', tags)
    if (!text || at * idLength >= text.length) return undefined
    return { ids: separateIds(text), posts: undefined, hit: true }
  }

  async function rank(reader: string, shown: number): Promise<Snapshot> {
    const { ids, hit } = await readIds('timeline', reader, { offset: 0, count: candidates })
    const found = await postsCache.readMany(ids)
    const posts = new Map<string, CachedPost>()
    const scores = new Map<string, number>()
    const now = Date.now()
    for (const [at, post] of found.posts.entries()) {
      const id = ids[at] ?? ''
      if (!post) continue
      posts.set(id, post)
      scores.set(id, score(post, now - timeOf(id)))
    }
    // Of equals the newer comes first, as the candidates do.
    const worth = (id: string) => scores.get(id) ?? 0
    const ranked = [...posts.keys()].sort((a, b) => worth(b) - worth(a))
    // Of a single page nothing is left to go on with.
    if (ranked.length > shown) await keep(reader, ranked)
    return { ids: ranked, posts, hit: hit && found.hit }
  }

  async function keep(reader: string, ids: string[]): Promise<void> {
    await redis.attempt({
      command: 'SET',
      on: 'ranked',
      send: (client) =>
        client.set(keyOf(reader), ids.join(''), {
          expiration: { type: 'EX', value: lifeSeconds },
        }),
    })
  }

  return { read }
}

/** A comment is worth two likes, and attention fades with age. */
export function score({ likes, comments }: Pick<CachedPost, 'likes' | 'comments'>, ageMs: number) {
  return (1 + Number(likes) + 2 * Number(comments)) / (ageMs / 3_600_000 + 2) ** 1.5
}

/** Ids of version 7 begin with the time they were made, in milliseconds. */
export function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

function keyOf(reader: string): string {
  return `feed:ranked:${reader}`
}
