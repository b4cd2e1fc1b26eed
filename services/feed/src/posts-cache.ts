import type { Redis } from '@clew/kit/redis'
import type { Metrics } from '@clew/telemetry/statsd'
import type { Overdue } from './overdue.ts'
import type { PostRow, Store } from './store.ts'

/** A post as it waits in Redis: JSON text that an answer is put together of. */
export type CachedPost = {
  /** An object without its closing brace, and without what changes by itself: counts and shares. */
  body: string
  /** What is shared: null when that is gone, undefined when this is no share. */
  original: string | null | undefined
  likes: number
  comments: number
}
export type PostsCache = ReturnType<typeof createPostsCache>

export function createPostsCache(redis: Redis, store: Store, metrics: Metrics, overdue: Overdue) {
  return {
    /** In the order of `ids`; null where there is none. `hit` when Postgres was not needed. */
    async readMany(_ids: string[]): Promise<{ posts: (CachedPost | null)[]; hit: boolean }> {
      throw new Error('not yet')
    },
    /** A post that was just made. */
    async put(_post: PostRow): Promise<void> {},
    /** After an edit or a change of the author's card: old bodies are passed by, and not filled in again. */
    async hold(_ids: string[]): Promise<void> {},
    /** After a deletion. */
    async bury(_ids: string[]): Promise<void> {},
    /** The counts a write left, unless newer ones are there; with `liked` also that this person likes it, or no longer. */
    async setCounts(
      _id: string,
      _likes: number,
      _comments: number,
      _version: number,
      _liked?: { viewer: string; on: boolean },
    ): Promise<void> {},
  }
}

/** A post from Postgres in the form in which it is kept in Redis. */
export function toCached(row: PostRow): CachedPost {
  const { id, user_id, author, content, media_ids, created_at, updated_at } = row
  const media = media_ids.map((mediaId) => ({ id: mediaId }))
  const text = JSON.stringify({ id, user_id, author, content, media, created_at, updated_at })
  return {
    body: text.slice(0, -1),
    original: row.is_share ? row.shared_post_id : undefined,
    likes: row.like_count,
    comments: row.comment_count,
  }
}
