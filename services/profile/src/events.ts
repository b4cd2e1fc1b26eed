import type { Logger } from '@clew/kit/log'
import { publish, type Relay } from '@clew/kit/outbox'
import type { Queryable } from '@clew/kit/postgres'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'
import type { Follow, Profile } from './store.ts'

export const stream = 'events:profile'

/** Facts are recorded in the transaction of the change they state; the relay sends them on. */
export function recordProfileUpdated(
  tx: Queryable,
  { user_id, username, display_name, avatar_url }: Profile,
  updated_at: Date,
): Promise<void> {
  const card = { user_id, username, display_name, avatar_url }
  return publish(tx, stream, 'profile.updated', { ...card, updated_at })
}

export function recordFollowed(tx: Queryable, follow: Follow): Promise<void> {
  return publish(tx, stream, 'user.followed', follow)
}

export function recordUnfollowed(tx: Queryable, { follower_id, following_id }: Follow) {
  return publish(tx, stream, 'user.unfollowed', { follower_id, following_id })
}

export type Events = ReturnType<typeof createEvents>

/** What is counted and logged once a change is committed, one function per business event. */
export function createEvents(metrics: Metrics, relay: Pick<Relay, 'wake'>, log: Logger) {
  return {
    profileCreated(userId: string, by: 'call' | 'event') {
      metrics.count('profile.created', { by })
      log.info({ user: userId, by }, 'profile created')
    },
    profileUpdated(userId: string) {
      relay.wake()
      metrics.count('profile.updated')
      log.info({ user: userId }, 'profile updated')
    },
    followed(follow: Follow) {
      relay.wake()
      metrics.count('relationship.created')
      log.info({ user: follow.follower_id, followed: follow.following_id }, 'followed')
    },
    unfollowed(userId: string, followingId: string) {
      relay.wake()
      metrics.count('relationship.deleted')
      log.info({ user: userId, followed: followingId }, 'unfollowed')
    },
    listed(list: 'followers' | 'following', people: number) {
      metrics.count(`${list}.returned`, {}, people)
    },
    searched(results: number) {
      metrics.count('search.results', {}, results)
    },
    /** A bearer was not accepted. `reason` says why; the person is not told. */
    tokenRefused(reason: string) {
      metrics.count('token.refused')
      trace.getActiveSpan()?.setAttribute('clew.refusal', reason)
      log.info({ reason }, 'token refused')
    },
  }
}
