import type { Handler } from '@clew/kit/bus'
import type { Fanout } from './fanout.ts'
import type { ListWriter } from './list-writer.ts'
import type { PostsWriter } from './posts-writer.ts'
import type { Authors } from './store/authors.ts'
import type { Posts } from './store/posts.ts'
import {
  authorCard,
  follow,
  postCommented,
  postCreated,
  postDeleted,
  postLiked,
  postUpdated,
} from './worker-schemas.ts'

export type HandlerDeps = {
  fanout: Fanout
  lists: ListWriter
  cache: PostsWriter
  posts: Posts
  authors: Authors
}
type Handlers = Record<string, Handler>

/** How many shares one statement and one write take: neither keeps others waiting for long. */
const sharesAtOnce = 500

/**
 * The rest of the work of whoever wrote: children of their traces.
 * The process that wrote told the cache too, unless it died between the commit and the cache.
 */
export function createFeedHandlers({ fanout, cache, posts }: HandlerDeps): Handlers {
  const liked: Handler = {
    relation: 'child',
    handle: (payload: unknown) => {
      const { post_id, user_id, ...now } = postLiked.parse(payload)
      const like = { viewer: user_id, on: now.liked }
      return cache.setCounts(post_id, now.like_count, now.comment_count, now.version, like)
    },
  }
  return {
    'post.created': {
      relation: 'child',
      handle: (payload: unknown) => fanout.fanOut(postCreated.parse(payload)),
    },
    'post.updated': {
      relation: 'child',
      handle: (payload: unknown) => cache.hold([postUpdated.parse(payload).post_id]),
    },
    'post.deleted': {
      relation: 'child',
      handle: async (payload: unknown) => {
        const { post_id } = postDeleted.parse(payload)
        await cache.bury([post_id])
        await throughAll((limit) => posts.deleteWordlessShares(post_id, limit, cache.bury))
        await throughAll(async (limit) => {
          const ids = await posts.detachShares(post_id, limit)
          await cache.hold(ids)
          return ids
        })
      },
    },
    'post.liked': liked,
    'post.unliked': liked,
    'post.commented': {
      relation: 'child',
      handle: (payload: unknown) => {
        const { post_id, like_count, comment_count, version } = postCommented.parse(payload)
        return cache.setCounts(post_id, like_count, comment_count, version)
      },
    },
  }
}

async function throughAll(some: (limit: number) => Promise<string[]>): Promise<void> {
  while ((await some(sharesAtOnce)).length === sharesAtOnce);
}

/** What others do too when a profile or a follow changes, each in its own way: links. */
export function createProfileHandlers(deps: HandlerDeps): Handlers {
  const { fanout, lists, cache, authors } = deps
  return {
    'user.followed': {
      relation: 'link',
      handle: (payload: unknown) => lists.dropReader(follow.parse(payload).follower_id),
    },
    'user.unfollowed': {
      relation: 'link',
      handle: async (payload: unknown) => {
        const { follower_id, following_id } = follow.parse(payload)
        // A post may be on its way to followers who were asked for before: it may come too late.
        const arrival = fanout.arrival(following_id)
        await lists.dropReader(follower_id)
        if (!arrival) return
        await arrival
        await lists.dropReader(follower_id)
      },
    },
    'profile.updated': {
      relation: 'link',
      handle: async (payload: unknown) => {
        const card = authorCard.parse(payload)
        await authors.keepCard(card)
        for await (const ids of authors.postIds(card.user_id)) await cache.hold(ids)
      },
    },
  }
}
