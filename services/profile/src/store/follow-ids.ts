import type { Postgres } from '@clew/kit/postgres'
import { lastId, readCursor, writeCursor } from '../position.ts'

type Ids = { ids: string | null; people: number; oldest: Date | null }

/**
 * Who follows whom, as ids alone: read from the index, and made into JSON text by Postgres, since
 * taking ten thousand of them apart and putting them together again costs more than reading them.
 */
export function createFollowIds(postgres: Postgres) {
  /**
   * `{follower_count, ids, next}`, those who followed last first. The count is of all of them.
   * The ids are one text with a space between them: ten thousand are quicker cut than parsed.
   * `next` is null on the last page, which is empty when the one before it was just full.
   * @param cursor the `next` of the page before
   * @throws Problem 400 for any other cursor
   */
  async function followerIds(id: string, limit: number, cursor?: string): Promise<string> {
    const list = `followers:${id}`
    const after = cursor === undefined ? undefined : readCursor(list, cursor)
    const [found] = await postgres.query<Ids & { follower_count: number | null }>(
      `select ids, people, oldest, follower_count
       from (
         select string_agg(follower_id::text, ' ' order by created_at desc, follower_id desc) as ids,
                count(*)::int as people, min(created_at) as oldest
         from (select follower_id, created_at
               from follows
               where following_id = $1 and (created_at, follower_id) < ($2, $3)
               order by created_at desc, follower_id desc
               limit $4) as page
       ) as pages
       left join profiles on id = $1`,
      [id, after?.at ?? 'infinity', after?.id ?? lastId, limit],
    )
    const { follower_count, ids, people = 0, oldest } = found ?? {}
    const more = people === limit && ids && oldest
    const next = more ? `"${writeCursor(list, { at: oldest, id: ids.slice(-36) })}"` : 'null'
    return `{"follower_count":${follower_count ?? 0},"ids":"${ids ?? ''}","next":${next}}`
  }

  /** `{ids[]}`: the 10,000 whom this person followed last. */
  async function followingIds(id: string): Promise<string> {
    const [found] = await postgres.query<Pick<Ids, 'ids'>>(
      `select string_agg(following_id::text, '","' order by created_at desc, following_id desc) as ids
       from (select following_id, created_at
             from follows
             where follower_id = $1
             order by created_at desc, following_id desc
             limit 10000) as page`,
      [id],
    )
    return `{"ids":${found?.ids ? `["${found.ids}"]` : '[]'}}`
  }

  return { followerIds, followingIds }
}
