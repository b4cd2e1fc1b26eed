import type { Postgres } from '@clew/kit/postgres'
import type { Author } from './schemas.ts'

/** A post with the card of its author. Of two, the one with the higher `version` has newer counts. */
export type PostRow = {
  id: string
  user_id: string
  author: Author
  content: string
  media_ids: string[]
  is_share: boolean
  /** Null unless it is a share, and once what it shared was deleted. */
  shared_post_id: string | null
  like_count: number
  comment_count: number
  version: number
  created_at: Date
  updated_at: Date
}
export type Store = ReturnType<typeof createStore>

const own = `posts.id, posts.user_id, content, media_ids, is_share, shared_post_id,
  like_count, comment_count, version, posts.created_at, posts.updated_at`
const card = `json_build_object('user_id', authors.id, 'username', username,
  'display_name', display_name, 'avatar_url', avatar_url)`

/** A PostRow, for the `returning` of a statement that writes to posts. */
export const columns = `${own},
  (select ${card} from authors where authors.id = posts.user_id) as author`

/** All SQL that reads. Every function throws Problem 503 while Postgres is away. */
export function createStore(postgres: Postgres) {
  /** Those of these posts that there are, in no order. */
  function findPosts(ids: string[]): Promise<PostRow[]> {
    return postgres.query<PostRow>(
      `select ${own}, ${card} as author
       from posts join authors on authors.id = posts.user_id
       where posts.id = any($1)`,
      [ids],
    )
  }

  return { findPosts }
}
