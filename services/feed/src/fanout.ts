import type { Logger } from '@clew/kit/log'
import type { Metrics } from '@clew/telemetry/statsd'
import type { Crossings } from './crossings.ts'
import { countIds, splitIds } from './id-text.ts'
import { type ListWriter, peopleAtOnce } from './list-writer.ts'
import type { Followers, ProfileNeighbour } from './profile-neighbour.ts'
import type { Authors } from './store/authors.ts'
import type { PostCreated } from './worker-schemas.ts'

export type FanoutDeps = {
  authors: Authors
  profile: ProfileNeighbour
  lists: ListWriter
  crossings: Crossings
  metrics: Metrics
  log: Logger
  /** Authors with more followers are merged in by readers instead. */
  celebrityFollowers: number
}
export type Fanout = ReturnType<typeof createFanout>

const page = 10_000
// A celebrity who loses a few followers stays one, so that nobody goes to and fro.
const enoughToStay = 0.8

/**
 * Brings new posts to the timelines of followers, those that are in Redis.
 * Everything can be done twice, and throws until all of it is done: RedisAway, or Problem 503 while
 * Postgres or profile is away.
 */
export function createFanout(deps: FanoutDeps) {
  const { authors, profile, lists, crossings, metrics, log, celebrityFollowers } = deps
  const running = new Map<string, Promise<void>>()

  async function fanOut({ post_id, user_id }: PostCreated): Promise<void> {
    const started = performance.now()
    // The author's own lists got it with the post, unless that process or Redis was away just then.
    await lists.pushOwn('author', user_id, post_id)
    const wasCelebrity = await authors.isCelebrity(user_id)
    const followers = await profile.findFollowers(user_id, wasCelebrity ? 1 : page)
    const people = followers.follower_count
    if (wasCelebrity && people < celebrityFollowers * enoughToStay) {
      // Readers who still merge this author's list see each post once all the same.
      await authors.setCelebrity(user_id, false)
      await pushToAll(user_id, post_id, await profile.findFollowers(user_id, page))
    } else if (wasCelebrity || people > celebrityFollowers) {
      await lists.pushOwn('timeline', user_id, post_id)
      if (wasCelebrity) await crossings.finish(user_id)
      else await crossings.cross(user_id)
    } else await pushToAll(user_id, post_id, followers)
    metrics.timing('fanout.duration', performance.now() - started)
    log.info({ post: post_id, user: user_id, followers: people }, 'post brought to followers')
  }

  async function pushToAll(userId: string, postId: string, first: Followers): Promise<void> {
    const push = lists.startFanout(postId)
    let people = `${userId} ${first.ids}`.trim()
    for (let next = first.next; ; ) {
      // One chunk after the other: between them Redis answers readers.
      for (const some of splitIds(people, peopleAtOnce)) {
        await push(some)
      }
      metrics.count('fanout.pushed', {}, countIds(people))
      if (!next) return
      const more = await profile.findFollowers(userId, page, next)
      people = more.ids
      next = more.next
    }
  }

  return {
    async fanOut(post: PostCreated): Promise<void> {
      const work = fanOut(post)
      running.set(post.user_id, work)
      try {
        await work
      } finally {
        running.delete(post.user_id)
      }
    },
    /** While a post of this author is on its way: resolves once it has arrived, or failed to. */
    arrival: (authorId: string): Promise<void> | undefined =>
      running.get(authorId)?.catch(() => {}),
  }
}
