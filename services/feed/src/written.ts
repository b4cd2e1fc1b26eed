import type { Lists } from './lists.ts'
import { joinPost } from './page.ts'
import { toCached } from './post-text.ts'
import type { PostsCache } from './posts-cache.ts'
import type { PostRow } from './store.ts'

/** Puts a new post where its author's next read finds it; the worker brings it to everybody else. */
export async function announce(
  { postsCache, lists }: { postsCache: PostsCache; lists: Lists },
  post: PostRow,
): Promise<void> {
  // Sent together. Nothing here fails: without Redis these keys are passed by until they are dropped.
  await Promise.all([
    postsCache.put(post),
    lists.pushOwn('author', post.user_id, post.id),
    lists.pushOwn('timeline', post.user_id, post.id),
  ])
}

/** A post that was just written, as JSON text, with what it shares. */
export async function present(cache: PostsCache, row: PostRow, liked: boolean): Promise<string> {
  const shared = row.shared_post_id && (await cache.readMany([row.shared_post_id])).posts[0]
  return joinPost(toCached(row), shared || null, liked)
}
