import type { Lists } from './lists.ts'
import type { PostsCache } from './posts-cache.ts'
import type { Store } from './store.ts'

/** JSON text ready to send; `hit` when neither Postgres nor profile was needed for it. */
export type Answer = { text: string; from: 'hit' | 'miss' }
export type Timeline = ReturnType<typeof createTimeline>

export function createTimeline(_deps: { store: Store; postsCache: PostsCache; lists: Lists }) {
  return {}
}
