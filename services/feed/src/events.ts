import type { Logger } from '@clew/kit/log'
import { publish, type Relay } from '@clew/kit/outbox'
import type { Queryable } from '@clew/kit/postgres'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'
import type { Counts } from './store.ts'

export const stream = 'events:feed'

type Made = {
  id: string
  user_id: string
  shared_post_id: string | null
  media: { id: string }[]
  created_at: Date
}
type Known = { id: string; user_id: string }

/** Facts are recorded in the transaction of the change they state. None of them holds content. */
export function recordCreated(tx: Queryable, post: Made): Promise<void> {
  const { id: post_id, user_id, shared_post_id, created_at } = post
  const media_ids = post.media.map(({ id }) => id)
  const fact = { post_id, user_id, shared_post_id, media_ids, created_at }
  return publish(tx, stream, 'post.created', fact)
}

export function recordUpdated(tx: Queryable, { id: post_id, user_id }: Known): Promise<void> {
  return publish(tx, stream, 'post.updated', { post_id, user_id })
}

export function recordDeleted(tx: Queryable, { id: post_id, user_id }: Known): Promise<void> {
  return publish(tx, stream, 'post.deleted', { post_id, user_id })
}

export function recordLiked(
  tx: Queryable,
  kind: 'like' | 'unlike',
  post: Counts,
  user_id: string,
): Promise<void> {
  return publish(tx, stream, kind === 'like' ? 'post.liked' : 'post.unliked', {
    post_id: post.id,
    user_id,
    author_id: post.user_id,
    ...countsOf(post),
    liked: kind === 'like',
  })
}

export function recordCommented(
  tx: Queryable,
  post: Counts,
  comment: { id: string; user_id: string },
): Promise<void> {
  return publish(tx, stream, 'post.commented', {
    post_id: post.id,
    comment_id: comment.id,
    user_id: comment.user_id,
    author_id: post.user_id,
    ...countsOf(post),
  })
}

/** All that the cache keeps of them: who hears of two changes in the wrong order takes the higher version. */
function countsOf({ like_count, comment_count, version }: Counts) {
  return { like_count, comment_count, version }
}

export type Events = ReturnType<typeof createEvents>

/** What is counted and logged once a change is committed, one function per business event. */
export function createEvents(metrics: Metrics, relay: Pick<Relay, 'wake'>, log: Logger) {
  function interacted(kind: 'like' | 'unlike' | 'comment' | 'share') {
    relay.wake()
    metrics.count('interactions', { kind })
  }
  return {
    created(post: Known) {
      relay.wake()
      metrics.count('posts.created')
      log.info({ user: post.user_id, post: post.id }, 'post created')
    },
    updated(post: Known) {
      relay.wake()
      log.info({ user: post.user_id, post: post.id }, 'post updated')
    },
    deleted(post: Known, byUserId: string) {
      relay.wake()
      log.info({ user: byUserId, author: post.user_id, post: post.id }, 'post deleted')
    },
    /** A share is a post as well. */
    shared(post: Known) {
      interacted('share')
      metrics.count('posts.created')
      log.info({ user: post.user_id, post: post.id }, 'post shared')
    },
    liked(kind: 'like' | 'unlike', postId: string, userId: string) {
      interacted(kind)
      log.info({ user: userId, post: postId }, kind === 'like' ? 'post liked' : 'post unliked')
    },
    commented(postId: string, comment: { id: string; user_id: string }) {
      interacted('comment')
      log.info({ user: comment.user_id, post: postId, comment: comment.id }, 'post commented')
    },
    /** A bearer was not accepted. `reason` says why; the person is not told. */
    tokenRefused(reason: string) {
      metrics.count('token.refused')
      trace.getActiveSpan()?.setAttribute('clew.refusal', reason)
      log.info({ reason }, 'token refused')
    },
  }
}
