import type { Postgres } from '@clew/kit/postgres'
import { longest } from './list-scripts/format.ts'
import type { Author, Media } from './schemas.ts'

/** A post with the card of its author. Of two, the one with the higher `version` has newer counts. */
export type PostRow = {
  id: string
  user_id: string
  author: Author
  content: string
  media: Media[]
  is_share: boolean
  /** Null unless it is a share, and once what it shared was deleted. */
  shared_post_id: string | null
  like_count: number
  comment_count: number
  version: number
  created_at: Date
  updated_at: Date
}
/** A post's counters after a write; the higher `version` is the later. `user_id` is its author. */
export type Counts = Pick<PostRow, 'id' | 'user_id' | 'like_count' | 'comment_count' | 'version'>
export type Store = ReturnType<typeof createStore>

const own = `posts.id, posts.user_id, content, media, is_share, shared_post_id,
  like_count, comment_count, version, posts.created_at, posts.updated_at`
/** Who wrote something, as JSON whose fields keep their order; of a row of authors. */
export const card = `json_build_object('user_id', authors.id, 'username', username,
  'display_name', display_name, 'avatar_url', avatar_url)`

/**
 * A PostRow, for the `returning` of a statement that writes to posts. Who changes the card waits for
 * it: then they find the post, and hold the body that shows the old card.
 */
export const columns = `${own},
  (select ${card} from authors where authors.id = posts.user_id for share) as author`

/** A row of Counts. */
export const countColumns = 'id, user_id, like_count, comment_count, version'

/** Above and below every id. */
export const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
const firstId = '00000000-0000-0000-0000-000000000000'

/** So many celebrities are merged in at each read; those beyond are put into the list. */
const mergedAtMost = 30
/** So many of the newest ids of each person followed are looked at, before it is known who wrote more. */
const headLength = 16

/** Where a page of ids is: below this id, after so many. */
export type Place = { below?: string | undefined; offset: number; count: number }
/** What a list is built of, and the page that was asked for. Ids are newest first. */
export type Rebuilt = {
  /** One more than a list holds; of a timeline without those whose lists are merged in. */
  newest: string[]
  page: string[]
}
export type RebuiltTimeline = Rebuilt & {
  /** Whose lists are merged in when this timeline is read. */
  celebrities: string[]
  /** More of those followed are celebrities than are merged in: posts of these reach nobody's list. */
  crowded: boolean
}

/** All SQL that reads posts. Every function throws Problem 503 while Postgres is away. */
export function createStore(postgres: Postgres) {
  /** Those of these posts that there are, and what those of them share that are shares; in no order. */
  async function findPosts(ids: string[]): Promise<PostRow[]> {
    const rows = await postgres.query<PostRow>(
      `select ${own}, ${card} as author
       from posts join authors on authors.id = posts.user_id
       where posts.id in (
         select unnest($1::uuid[])
         union
         select shared_post_id from posts where id = any($1)
       )`,
      [ids],
    )
    const there = new Set(rows.map(({ id }) => id))
    for (const row of rows) {
      if (row.shared_post_id && !there.has(row.shared_post_id)) row.shared_post_id = null
    }
    return rows
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
   * What a reader's timeline is built of. What it costs grows with how many are followed, however
   * much they wrote: for each the index gives a few of the newest ids, and more only of those who
   * wrote so often that there may be more within the newest of all.
   */
  async function rebuildTimeline(
    reader: string,
    following: string[],
    { below = lastId, offset, count }: Place,
  ): Promise<RebuiltTimeline> {
    const [rebuilt] = await postgres.query<RebuiltTimeline>(
      `with known as materialized (
         select id, celebrity and id <> $1 as celebrity
         from authors where id = any($2) or id = $1
       ), merged as materialized (
         select id from known where celebrity order by id limit ${mergedAtMost}
       ), pushed as materialized (
         select id from known where not celebrity or id not in (select id from merged)
       ), heads as materialized (
         select id as author, array(
           select posts.id from posts where user_id = pushed.id
           order by posts.id desc limit ${headLength}
         ) as ids
         from pushed
       ), edge as materialized (
         select coalesce(
           (select id from heads, unnest(ids) id order by id desc offset ${longest} limit 1),
           '${firstId}'
         ) as id
       ), newest as materialized (
         select id from (
           select unnest(ids) as id from heads
           union all
           select more.id
           from heads cross join lateral (
             select posts.id from posts
             where user_id = author and posts.id < ids[${headLength}]
               and posts.id > (select id from edge)
             order by posts.id desc limit ${longest + 1}
           ) more
           where ids[${headLength}] > (select id from edge)
         ) all_newest
         order by id desc limit ${longest + 1}
       ), reach as materialized (
         select count(*) <= ${longest} or count(*) filter (where id < $3) >= $4::int + $5::int
           as enough
         from newest
       )
       select
         array(
           select id from (
             select id from newest where id < $3 and (select enough from reach)
             union all
             select older.id
             from known cross join lateral (
               select posts.id from posts where user_id = known.id and posts.id < $3
               order by posts.id desc limit $4::int + $5::int
             ) older
             where not (select enough from reach) or known.id in (select id from merged)
           ) within
           order by id desc offset $4 limit $5
         ) as page,
         array(select id from newest order by id desc) as newest,
         array(select id from merged) as celebrities,
         (select count(*) from known where celebrity) > ${mergedAtMost} as crowded`,
      [reader, following, below, offset, count],
    )
    return rebuilt ?? { newest: [], page: [], celebrities: [], crowded: false }
  }

  /** What the list of this author's posts is built of. */
  async function rebuildAuthor(
    author: string,
    { below = lastId, offset, count }: Place,
  ): Promise<Rebuilt> {
    const [rebuilt] = await postgres.query<Rebuilt>(
      `select
         array(
           select id from posts where user_id = $1 and id < $2 order by id desc offset $3 limit $4
         ) as page,
         array(
           select id from posts where user_id = $1 order by id desc limit ${longest + 1}
         ) as newest`,
      [author, below, offset, count],
    )
    return rebuilt ?? { newest: [], page: [] }
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

  return { findPosts, findLikes, rebuildTimeline, rebuildAuthor, listIds, listNewest }
}
