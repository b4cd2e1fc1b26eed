import type { Postgres } from '@clew/kit/postgres'
import { createTurns } from '@clew/kit/turns'
import { recordLiked } from '../events.ts'
import { type Counts, countColumns } from '../store.ts'
import { noPost } from './posts.ts'

export type Likes = ReturnType<typeof createLikes>

/** Who likes which post. Every function throws Problem 503 while Postgres is away. */
export function createLikes(postgres: Postgres) {
  const take = createTurns()

  /**
   * @returns the counters, and whether this changed them: to like twice is to like once
   * @throws Problem 404 for a post that is not there
   */
  async function change(kind: 'like' | 'unlike', userId: string, postId: string) {
    return postgres.transaction(async (tx) => {
      const changed = await tx.query(kind === 'like' ? insert : remove, [userId, postId])
      if (changed.length === 0) {
        const [post] = await tx.query<Counts>(`select ${countColumns} from posts where id = $1`, [
          postId,
        ])
        if (!post) throw noPost()
        return { post, changed: false }
      }
      const [post] = await tx.query<Counts>(count[kind], [postId])
      if (!post) throw noPost()
      await recordLiked(tx, kind, post, userId)
      return { post, changed: true }
    })
  }
  return {
    like: (userId: string, postId: string) => take(postId, () => change('like', userId, postId)),
    unlike: (userId: string, postId: string) =>
      take(postId, () => change('unlike', userId, postId)),
  }
}

// Both lock the post before they touch the like, as deleting the post does: otherwise each of the
// two could hold what the other waits for.
const insert = `
  insert into likes (user_id, post_id)
  select $1, id from posts where id = $2 for no key update
  on conflict do nothing
  returning post_id`
const remove = `
  with post as (select id from posts where id = $2 for no key update)
  delete from likes using post
  where likes.user_id = $1 and likes.post_id = post.id
  returning likes.post_id`

const count = { like: countBy('+ 1'), unlike: countBy('- 1') }

function countBy(by: string): string {
  return `update posts set like_count = like_count ${by}, version = version + 1
          where id = $1 returning ${countColumns}`
}
