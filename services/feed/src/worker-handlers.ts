import type { Handler } from '@clew/kit/bus'
import type { Fanout } from './fanout.ts'
import type { ListWriter } from './list-writer.ts'
import type { PostsCache } from './posts-cache.ts'
import type { Authors } from './store/authors.ts'
import { authorCard, follow, postCreated, postDeleted, postUpdated } from './worker-schemas.ts'

export type HandlerDeps = {
  fanout: Fanout
  lists: ListWriter
  postsCache: PostsCache
  authors: Authors
}
type Handlers = Record<string, Handler>

/** The rest of the work of whoever wrote: children of their traces. */
export function createFeedHandlers({ fanout, postsCache }: HandlerDeps): Handlers {
  return {
    'post.created': {
      relation: 'child',
      handle: (payload: unknown) => fanout.fanOut(postCreated.parse(payload)),
    },
    // The process that wrote did this too, unless it died between the commit and the cache.
    'post.updated': {
      relation: 'child',
      handle: (payload: unknown) => postsCache.hold([postUpdated.parse(payload).post_id]),
    },
    'post.deleted': {
      relation: 'child',
      handle: (payload: unknown) => {
        const { post_id, share_ids } = postDeleted.parse(payload)
        return postsCache.bury([post_id, ...share_ids])
      },
    },
  }
}

/** What others do too when a profile or a follow changes, each in its own way: links. */
export function createProfileHandlers(deps: HandlerDeps): Handlers {
  const { fanout, lists, postsCache, authors } = deps
  return {
    'user.followed': {
      relation: 'link',
      handle: (payload: unknown) => lists.dropReader(follow.parse(payload).follower_id),
    },
    'user.unfollowed': {
      relation: 'link',
      handle: async (payload: unknown) => {
        const { follower_id, following_id } = follow.parse(payload)
        await lists.dropReader(follower_id)
        // A post may be on its way to followers who were asked for before: it may come too late.
        if (await fanout.settle(following_id)) await lists.dropReader(follower_id)
      },
    },
    'profile.updated': {
      relation: 'link',
      handle: async (payload: unknown) => {
        const card = authorCard.parse(payload)
        await authors.keepCard(card)
        for await (const ids of authors.postIds(card.user_id)) await postsCache.hold(ids)
      },
    },
  }
}
