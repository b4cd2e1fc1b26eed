import { Problem } from '@clew/kit/problem'
import type { Lists } from './lists.ts'
import { joinPost } from './page.ts'
import { type CachedPost, toCached } from './post-text.ts'
import type { PostsCache } from './posts-cache.ts'
import type { PostRow } from './store.ts'

/** Puts a new post where its author's next read finds it; the worker brings it to everybody else. */
export async function announce(
  { postsCache, lists }: { postsCache: PostsCache; lists: Lists },
  post: PostRow,
): Promise<void> {
  // Sent together. Nothing here fails: without Redis the lists are passed by until they are dropped,
  // and the post is filled in by whoever reads it.
  await Promise.all([
    postsCache.put(post),
    lists.pushOwn('author', post.user_id, post.id),
    lists.pushOwn('timeline', post.user_id, post.id),
  ])
}

/**
 * A post that was just written, as JSON text, with what it shares. It is written, so this does not
 * fail when Postgres has gone since: what cannot be known is then left out.
 */
export async function present(cache: PostsCache, row: PostRow, liked: boolean): Promise<string> {
  const post = toCached(row)
  if (!row.shared_post_id) return joinPost(post, null, liked)
  const shared = await findShared(cache, row.shared_post_id)
  if (shared === undefined) return joinPost({ ...post, original: undefined }, null, liked)
  return joinPost(post, shared, liked)
}

async function findShared(cache: PostsCache, id: string): Promise<CachedPost | null | undefined> {
  try {
    return (await cache.readMany([id])).posts[0] ?? null
  } catch (error) {
    if (error instanceof Problem && error.status === 503) return undefined
    throw error
  }
}
