import type { Postgres } from '@clew/kit/postgres'
import { createTurns } from '@clew/kit/turns'
import { v7 as uuid } from 'uuid'
import { recordCommented } from '../events.ts'
import type { Author } from '../schemas.ts'
import { type Counts, card, countColumns, lastId } from '../store.ts'
import { noPost } from './posts.ts'

/** A row as it is sent out; JSON turns `created_at` into ISO text. */
export type Comment = {
  id: string
  post_id: string
  user_id: string
  author: Author
  content: string
  created_at: Date
}
export type Comments = ReturnType<typeof createComments>

/** What people say below posts. Every function throws Problem 503 while Postgres is away. */
export function createComments(postgres: Postgres) {
  const take = createTurns()

  /** By somebody whose card feed has. @throws Problem 404 for a post that is not there */
  async function add(userId: string, postId: string, content: string) {
    return postgres.transaction(async (tx) => {
      const [comment] = await tx.query<Comment>(
        `insert into comments (id, post_id, user_id, content)
         select $1, id, $2, $3 from posts where id = $4 for no key update
         returning ${columns}, (select ${card} from authors where authors.id = user_id) as author`,
        [uuid(), userId, content, postId],
      )
      if (!comment) throw noPost()
      const [post] = await tx.query<Counts>(
        `update posts set comment_count = comment_count + 1, version = version + 1
         where id = $1 returning ${countColumns}`,
        [postId],
      )
      if (!post) throw noPost()
      await recordCommented(tx, post, comment)
      return { comment, post }
    })
  }

  /**
   * One page, newest first, of those older than `below` (the id of a comment).
   * @throws Problem 404 for a post that is not there
   */
  async function list(postId: string, limit: number, below: string | undefined) {
    // One row more than asked for tells whether there is another page.
    const rows = await postgres.query<Comment>(
      `select ${columns}, ${card} as author
       from comments join authors on authors.id = user_id
       where post_id = $1 and comments.id < $2
       order by comments.id desc limit $3`,
      [postId, below ?? lastId, limit + 1],
    )
    if (rows.length === 0) {
      const [post] = await postgres.query('select 1 from posts where id = $1', [postId])
      if (!post) throw noPost()
    }
    const comments = rows.slice(0, limit)
    return { comments, next: rows.length > limit ? comments.at(-1)?.id : undefined }
  }

  return {
    add: (userId: string, postId: string, content: string) =>
      take(postId, () => add(userId, postId, content)),
    list,
  }
}

const columns = 'comments.id, post_id, user_id, content, comments.created_at'
