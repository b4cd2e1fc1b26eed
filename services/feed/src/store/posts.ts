import type { Postgres, Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { v7 as uuid } from 'uuid'
import { recordCreated, recordDeleted, recordUpdated } from '../events.ts'
import type { Media } from '../schemas.ts'
import { columns, type PostRow } from '../store.ts'

/** A post that is about to be stored. Its id is made first, since media is told who uses it. */
export type Draft = { id: string; content: string; media: Media[] }
export type Posts = ReturnType<typeof createPosts>

/** Writing posts. Every function throws Problem 503 while Postgres is away, with nothing done. */
export function createPosts(postgres: Postgres) {
  /**
   * By somebody whose card feed has.
   * @param notStored heard when this fails, and the post is certainly not there: a commit whose answer
   *   is lost may have been made
   */
  async function add(
    userId: string,
    { id, content, media }: Draft,
    notStored?: () => Promise<void>,
  ): Promise<PostRow> {
    let committing = false
    try {
      return await postgres.transaction(async (tx) => {
        const [post] = await tx.query<PostRow>(
          `insert into posts (id, user_id, content, media) values ($1, $2, $3, $4)
           returning ${columns}`,
          [id, userId, content, JSON.stringify(media)],
        )
        const made = await recorded(tx, post)
        committing = true
        return made
      })
    } catch (error) {
      if (!committing) await notStored?.()
      throw error
    }
  }

  /**
   * Shares a post, or of a share the original. Without words (`content` is empty) only once.
   * @throws Problem 404 when there is nothing to share, 409 when it is shared already
   */
  async function share(userId: string, postId: string, content: string): Promise<PostRow> {
    return postgres.transaction(async (tx) => {
      // The lock waits for whoever is deleting the original.
      const [post] = await tx.query<PostRow>(
        `insert into posts (id, user_id, content, is_share, shared_post_id)
         select $1, $2, $3, true, original.id
         from posts asked
         join posts original
           on original.id = case when asked.is_share then asked.shared_post_id else asked.id end
         where asked.id = $4
         for key share of original
         on conflict do nothing
         returning ${columns}`,
        [uuid(), userId, content, postId],
      )
      if (!post) throw await whyNotShared(tx, postId)
      return recorded(tx, post)
    })
  }

  /**
   * @returns the post, and whether its author likes it
   * @throws Problem 404, or 403 for somebody else's
   */
  async function edit(userId: string, postId: string, content: string) {
    return postgres.transaction(async (tx) => {
      const [post] = await tx.query<PostRow & { liked: boolean }>(
        `update posts set content = $3, updated_at = now() where id = $1 and user_id = $2
         returning ${columns},
           exists (select 1 from likes where post_id = posts.id and user_id = $2) as liked`,
        [postId, userId, content],
      )
      if (!post) throw (await exists(tx, postId)) ? notYours() : noPost()
      await recordUpdated(tx, post)
      return post
    })
  }

  /**
   * Deletes a post. Shares of it are left to the worker, since there may be very many.
   * @throws Problem 404, or 403 for somebody else's unless an admin asks
   */
  async function remove(asking: { userId: string; admin: boolean }, postId: string) {
    return postgres.transaction(async (tx) => {
      // Locked first: whoever is sharing it right now is done, or finds it gone.
      const [post] = await tx.query<Pick<PostRow, 'id' | 'user_id'>>(
        'select id, user_id from posts where id = $1 for update',
        [postId],
      )
      if (!post) throw noPost()
      if (post.user_id !== asking.userId && !asking.admin) throw notYours()
      await tx.query('delete from posts where id = $1', [postId])
      await recordDeleted(tx, post)
      return post
    })
  }

  /**
   * Of a post that was deleted: up to `limit` shares of it that have no words of their own go, too.
   * @param told hears which, before they are gone for others: when it fails, nothing is done
   * @returns their ids; fewer than `limit` when that were the last
   */
  async function deleteWordlessShares(
    postId: string,
    limit: number,
    told?: (ids: string[]) => Promise<void>,
  ): Promise<string[]> {
    return postgres.transaction(async (tx) => {
      const gone = await tx.query<{ id: string }>(
        `delete from posts where id in (
           select id from posts where shared_post_id = $1 and content = '' limit $2)
         returning id`,
        [postId, limit],
      )
      const ids = gone.map(({ id }) => id)
      await told?.(ids)
      return ids
    })
  }

  /**
   * Of a post that was deleted: up to `limit` shares of it that have words no longer name it, so that
   * nobody looks for it again. Call it when the shares without words are gone.
   * @returns their ids; fewer than `limit` when that were the last
   */
  async function detachShares(postId: string, limit: number): Promise<string[]> {
    const left = await postgres.query<{ id: string }>(
      `update posts set shared_post_id = null where id in (
         select id from posts where shared_post_id = $1 and content <> '' limit $2)
       returning id`,
      [postId, limit],
    )
    return left.map(({ id }) => id)
  }

  return { add, share, edit, remove, deleteWordlessShares, detachShares }
}

async function recorded(tx: Queryable, post: PostRow | undefined): Promise<PostRow> {
  if (!post) throw new Error('an insert returned no row')
  await recordCreated(tx, post)
  return post
}

async function exists(tx: Queryable, postId: string): Promise<boolean> {
  return (await tx.query('select 1 from posts where id = $1', [postId])).length > 0
}

async function whyNotShared(tx: Queryable, postId: string): Promise<Problem> {
  const found = await tx.query(
    `select 1
     from posts asked
     join posts original
       on original.id = case when asked.is_share then asked.shared_post_id else asked.id end
     where asked.id = $1`,
    [postId],
  )
  return found.length > 0 ? new Problem(409, 'You already shared this post.') : noPost()
}

export function noPost(): Problem {
  return new Problem(404, 'There is no such post.')
}

function notYours(): Problem {
  return new Problem(403, 'Only the author may change a post.')
}
