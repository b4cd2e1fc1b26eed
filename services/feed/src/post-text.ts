import type { PostRow } from './store.ts'

/** A post as it waits in Redis: JSON text that an answer is put together of. */
export type CachedPost = {
  /** An object without its closing brace, and without what changes by itself: counts and shares. */
  body: string
  /** What is shared: null when that is gone, undefined when this is no share. */
  original: string | null | undefined
  /** The same as a post, where it was loaded with this one: null when that is gone. */
  shared?: CachedPost | null
  /** The digits. */
  likes: string
  comments: string
}

// Bodies begin with `{`, those of shares with `>` and the id of the original; these with neither.
/** In place of a body: there is no such post. */
export const absent = '-'
/** In place of a body: it was just changed, and nobody may fill it in. */
export const held = '?'
const share = '>'
const noOriginal = '-'.repeat(36)

export function postKey(id: string): string {
  return `feed:post:${id}`
}

export function countsKey(id: string): string {
  return `feed:counts:${id}`
}

/** Where Redis has these posts: the bodies, then the counts. */
export function keysOf(ids: string[]): string[] {
  return [...ids.map(postKey), ...ids.map(countsKey)]
}

/** A post from Postgres in the form in which it is kept in Redis. */
export function toCached(row: PostRow): CachedPost {
  const { id, user_id, author, content, media, created_at, updated_at } = row
  const text = JSON.stringify({ id, user_id, author, content, media, created_at, updated_at })
  return {
    body: text.slice(0, -1),
    original: row.is_share ? row.shared_post_id : undefined,
    likes: `${row.like_count}`,
    comments: `${row.comment_count}`,
  }
}

/** What Redis has under `postKey`. */
export function toText(row: PostRow): string {
  const { body, original } = toCached(row)
  return original === undefined ? body : share + (original ?? noOriginal) + body
}

/** What Redis has under `countsKey`. */
export function toCounts(likes: number, comments: number, version: number): string {
  return `${likes},${comments},${version}`
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
