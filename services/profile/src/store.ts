import type { Postgres, Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { recordFollowed, recordProfileUpdated, recordUnfollowed } from './events.ts'
import { lastId, type Position } from './position.ts'
import type { NewProfile, ProfileChange } from './schemas.ts'
import { createFollowIds } from './store/follow-ids.ts'

/** A row as it is sent out; JSON turns `created_at` into ISO text. */
export type Profile = {
  user_id: string
  username: string
  display_name: string
  bio: string
  avatar_url: string | null
  follower_count: number
  following_count: number
  created_at: Date
}
export type Follow = { follower_id: string; following_id: string; created_at: Date }
export type Page = { profiles: Profile[]; next: Position | undefined }
export type ListQuery = { limit: number; after: Position | undefined }
export type Store = ReturnType<typeof createStore>

const columns = `id as user_id, username, display_name, bio, avatar_url,
  follower_count, following_count, profiles.created_at`

/** All SQL of this service. Every function throws Problem 503 while Postgres is away. */
export function createStore(postgres: Postgres) {
  async function findProfile(id: string): Promise<Profile | undefined> {
    const [profile] = await postgres.query<Profile>(
      `select ${columns} from profiles where id = $1`,
      [id],
    )
    return profile
  }

  /** Those of these people who have a profile, each once, in no particular order. */
  async function findKnown(ids: string[]): Promise<string[]> {
    const rows = await postgres.query<{ id: string }>(
      'select id from profiles where id = any($1::uuid[])',
      [ids],
    )
    return rows.map(({ id }) => id)
  }

  /** Makes the profile of a new person; gives nothing when there is one already. */
  async function createProfile(person: NewProfile): Promise<Profile | undefined> {
    const [profile] = await postgres.query<Profile>(
      `insert into profiles (id, username, display_name, created_at) values ($1, $2, $2, $3)
       on conflict do nothing
       returning ${columns}`,
      [person.user_id, person.username, person.created_at],
    )
    return profile
  }

  /** Changes what is given. @throws Problem 404 */
  async function updateProfile(id: string, change: ProfileChange): Promise<Profile> {
    return postgres.transaction(async (tx) => {
      // Of two changes the later has the later time, whichever began first.
      const [changed] = await tx.query<Profile & { updated_at: Date }>(
        `update profiles
         set display_name = coalesce($2, display_name),
             bio          = coalesce($3, bio),
             avatar_url   = case when $4 then $5 else avatar_url end,
             updated_at   = greatest(clock_timestamp(), updated_at + interval '1 ms')
         where id = $1
         returning ${columns}, updated_at`,
        [id, change.display_name, change.bio, 'avatar_url' in change, change.avatar_url],
      )
      if (!changed) throw nobody()
      const { updated_at, ...profile } = changed
      await recordProfileUpdated(tx, profile, updated_at)
      return profile
    })
  }

  /** @throws Problem 404 for an unknown person, 409 when already following */
  async function follow(follower: string, following: string): Promise<Follow> {
    return postgres.transaction(async (tx) => {
      const [made] = await tx.query<Follow>(
        `insert into follows (follower_id, following_id)
         select follower.id, followed.id
         from profiles follower, profiles followed
         where follower.id = $1 and followed.id = $2
         on conflict do nothing
         returning follower_id, following_id, created_at`,
        [follower, following],
      )
      if (!made) throw (await isFollowing(tx, follower, following)) ? alreadyFollowing() : nobody()
      await tx.query(countFollow(1), [follower, following])
      await recordFollowed(tx, made)
      return made
    })
  }

  /** @throws Problem 404 when not following */
  async function unfollow(follower: string, following: string): Promise<void> {
    await postgres.transaction(async (tx) => {
      const [ended] = await tx.query<Follow>(
        `delete from follows where follower_id = $1 and following_id = $2
         returning follower_id, following_id, created_at`,
        [follower, following],
      )
      if (!ended) throw new Problem(404, 'You do not follow this person.')
      await tx.query(countFollow(-1), [follower, following])
      await recordUnfollowed(tx, ended)
    })
  }

  /** Who follows this person, newest first. */
  function listFollowers(id: string, query: ListQuery): Promise<Page> {
    return listPage(id, query, 'following_id', 'follower_id')
  }

  /** Whom this person follows, newest first. */
  function listFollowing(id: string, query: ListQuery): Promise<Page> {
    return listPage(id, query, 'follower_id', 'following_id')
  }

  async function listPage(
    id: string,
    { limit, after }: ListQuery,
    side: 'follower_id' | 'following_id',
    other: 'follower_id' | 'following_id',
  ): Promise<Page> {
    // One row more than asked for tells whether there is another page.
    const rows = await postgres.query<Profile & { followed_at: Date }>(
      `select ${columns}, follows.created_at as followed_at
       from follows join profiles on profiles.id = follows.${other}
       where follows.${side} = $1
         and (follows.created_at, follows.${other}) < ($2, $3)
       order by follows.created_at desc, follows.${other} desc
       limit $4`,
      [id, after?.at ?? 'infinity', after?.id ?? lastId, limit + 1],
    )
    const shown = rows.slice(0, limit)
    const last = rows.length > limit ? shown.at(-1) : undefined
    return {
      profiles: shown.map(({ followed_at, ...profile }) => profile),
      next: last && { at: last.followed_at, id: last.user_id },
    }
  }

  /** People with a name like `q`: the most alike first, then the most followed. `total` counts all. */
  async function search(q: string, limit: number): Promise<{ results: Profile[]; total: number }> {
    const rows = await postgres.query<Profile & { total: number }>(
      `select ${columns}, (count(*) over ())::int as total
       from profiles join people_like($1) on person = id
       order by likeness desc, similarity(username, $1) desc, follower_count desc, id
       limit $2`,
      [q, limit],
    )
    return { results: rows.map(({ total, ...profile }) => profile), total: rows[0]?.total ?? 0 }
  }

  return {
    findProfile,
    findKnown,
    createProfile,
    updateProfile,
    follow,
    unfollow,
    listFollowers,
    listFollowing,
    search,
    ...createFollowIds(postgres),
  }
}

// Two people who follow each other at once need both rows: taking them in the same order, by id,
// neither waits for the other in a circle.
function countFollow(by: 1 | -1): string {
  return `with pair as (
            select id from profiles where id in ($1, $2) order by id for no key update
          )
          update profiles
          set following_count = following_count + case when profiles.id = $1 then ${by} else 0 end,
              follower_count  = follower_count  + case when profiles.id = $2 then ${by} else 0 end
          from pair where profiles.id = pair.id`
}

async function isFollowing(tx: Queryable, follower: string, following: string): Promise<boolean> {
  const rows = await tx.query(
    'select 1 from follows where follower_id = $1 and following_id = $2',
    [follower, following],
  )
  return rows.length > 0
}

export function nobody(): Problem {
  return new Problem(404, 'There is no such person.')
}

function alreadyFollowing(): Problem {
  return new Problem(409, 'You already follow this person.')
}
