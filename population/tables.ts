import type pg from 'pg'
import { copy, type Value } from './copy.ts'
import type { Known } from './known.ts'
import { emailOf } from './login.ts'
import type { Person, Plan } from './plan.ts'

/** One hash does for all: bcrypt would take a day for a million people. */
export async function fillAuth(client: pg.Client, { people }: Plan, hash: string): Promise<void> {
  await copy(
    client,
    'users (id, email, username, password_hash, created_at)',
    each(people, ({ id, username, joinedAt }) => [
      ...[id, emailOf(username), username, hash],
      time(joinedAt),
    ]),
  )
}

export async function fillProfile(
  client: pg.Client,
  { people, follows }: Plan,
  { ids, followers, following }: Known,
): Promise<void> {
  await copy(
    client,
    `profiles (id, username, display_name, bio, follower_count, following_count,
      created_at, updated_at)`,
    each(people, ({ id, username, displayName, bio, joinedAt }, place) => [
      ...[id, username, displayName, bio],
      ...[followers[place]!, following[place]!],
      ...[time(joinedAt), time(joinedAt)],
    ]),
  )
  await copy(
    client,
    'follows (follower_id, following_id, created_at)',
    each(follows, ({ follower, followed, at }) => [
      ...[idAt(ids, follower), idAt(ids, followed)],
      time(at),
    ]),
  )
}

/** Whoever has more than `celebrityFollowers` followers is marked as a celebrity. */
export async function fillFeed(
  client: pg.Client,
  plan: Plan,
  { ids, followers }: Known,
  celebrityFollowers: number,
): Promise<void> {
  await copy(
    client,
    'authors (id, username, display_name, celebrity)',
    each(plan.people, ({ id, username, displayName }: Person, place) => [
      ...[id, username, displayName],
      followers[place]! > celebrityFollowers,
    ]),
  )
  const likes = count(plan.posts.length, plan.likes)
  const comments = count(plan.posts.length, plan.comments)
  const postIds: string[] = []
  await copy(
    client,
    `posts (id, user_id, content, shared_post_id, is_share, like_count, comment_count,
      created_at, updated_at)`,
    each(plan.posts, ({ id, author, content, shared, at }, place) => {
      postIds.push(id)
      return [
        ...[id, idAt(ids, author), content],
        ...[shared === undefined ? null : idAt(postIds, shared), shared !== undefined],
        ...[likes[place]!, comments[place]!],
        ...[time(at), time(at)],
      ]
    }),
  )
  await copy(
    client,
    'likes (user_id, post_id, created_at)',
    each(plan.likes, ({ post, person, at }) => [
      ...[idAt(ids, person), idAt(postIds, post)],
      time(at),
    ]),
  )
  await copy(
    client,
    'comments (id, post_id, user_id, content, created_at)',
    each(plan.comments, ({ id, post, author, content, at }) => [
      ...[id, idAt(postIds, post), idAt(ids, author), content],
      time(at),
    ]),
  )
}

function count(posts: number, reactions: Iterable<{ post: number }>): Uint32Array {
  const counts = new Uint32Array(posts)
  for (const { post } of reactions) counts[post]! += 1
  return counts
}

function* each<Row>(
  rows: Iterable<Row>,
  write: (row: Row, place: number) => Value[],
): Generator<Value[]> {
  let place = 0
  for (const row of rows) yield write(row, place++)
}

// Postgres does not check while these are written, so a plan that is wrong must end here.
function idAt(ids: string[], place: number): string {
  const id = ids[place]
  if (id === undefined) throw new RangeError(`the plan names place ${place} of ${ids.length}`)
  return id
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
