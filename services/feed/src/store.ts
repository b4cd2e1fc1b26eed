import type { Postgres } from '@clew/kit/postgres'
import { longest } from './list-scripts.ts'
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

/** Where a page of ids is: below this id, after so many. */
export type Place = { below?: string | undefined; offset: number; count: number }
export type Rebuilt = {
  /** The newest of those who are no celebrities: one more than a list holds. */
  newest: string[]
  celebrities: string[]
  /** The page asked for does not follow from `newest`: it is in `page`. */
  apart: boolean
  page: string[]
}

/** All SQL that reads posts. Every function throws Problem 503 while Postgres is away. */
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

  /** Which of these posts a person likes, and of all they like the newest; newest first. */
  async function findLikes(viewer: string, ids: string[], newest: number): Promise<string[]> {
    const rows = await postgres.query<{ post_id: string }>(
      `select post_id from likes where user_id = $1 and post_id = any($2)
       union
       (select post_id from likes where user_id = $1 order by post_id desc limit $3)
       order by post_id desc`,
      [viewer, ids, newest],
    )
    return rows.map(({ post_id }) => post_id)
  }

  /**
   * What a reader's timeline is built of, and a page of it. For each person followed the index gives
   * the newest ids at once: what it costs depends on how many are followed, not on how many posts
   * there are, whether those people write daily or stopped long ago.
   */
  async function rebuildTimeline(
    reader: string,
    following: string[],
    { below = lastId, offset, count }: Place,
  ): Promise<Rebuilt> {
    const [rebuilt] = await postgres.query<Rebuilt>(
      `with followed as materialized (
         select id, celebrity and id <> $1 as celebrity
         from authors where id = any($2) or id = $1
       ), newest as materialized (
         select newest.id
         from (followed cross join lateral (
           select posts.id from posts where user_id = followed.id
           order by posts.id desc limit ${longest + 1}
         ) newest)
         where not celebrity
         order by newest.id desc limit ${longest + 1}
       ), page as materialized (
         select exists (select from followed where celebrity)
           or (select count(*) from newest) > ${longest}
             and (select count(*) from newest where id < $3) < $4::int + $5::int as apart
       )
       select
         array(
           select older.id
           from (followed cross join lateral (
             select posts.id from posts where user_id = followed.id and posts.id < $3
             order by posts.id desc limit $4::int + $5::int
           ) older)
           where (select apart from page)
           order by older.id desc offset $4 limit $5
         ) as page,
         (select apart from page) as apart,
         array(select id from newest order by id desc) as newest,
         array(select id from followed where celebrity) as celebrities`,
      [reader, following, below, offset, count],
    )
    return rebuilt ?? { newest: [], celebrities: [], apart: false, page: [] }
  }

  /** Ids of what these people wrote, newest first. */
  async function listIds(authors: string[], { below = lastId, offset, count }: Place) {
    const rows = await postgres.query<{ id: string }>(
      `select page.id
       from (unnest($1::uuid[]) author cross join lateral (
         select posts.id from posts where user_id = author and posts.id < $2
         order by posts.id desc limit $3::int + $4::int
       ) page)
       order by page.id desc offset $3 limit $4`,
      [authors, below, offset, count],
    )
    return rows.map(({ id }) => id)
  }

  /** The newest ids of each of these authors, newest first: one more than a list holds. */
  function listNewest(authors: string[]): Promise<{ author: string; ids: string[] }[]> {
    return postgres.query(
      `select author, array(
         select posts.id from posts where user_id = author
         order by posts.id desc limit ${longest + 1}
       ) as ids
       from unnest($1::uuid[]) author`,
      [authors],
    )
  }

  return { findPosts, findLikes, rebuildTimeline, listIds, listNewest }
}

const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
