import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Service, startService } from './service.ts'

const star = uuid()
const fan = uuid()
// Three at each moment, so that pages break within one.
const followers = Array.from({ length: 20 }, (_, at) => ({
  id: uuid(),
  at: new Date(1_700_000_000_000 + Math.floor(at / 3)).toISOString(),
}))
const newestFirst = followers
  .toSorted((a, b) => (a.at + a.id < b.at + b.id ? 1 : -1))
  .map(({ id }) => id)
let service: Service

beforeAll(async () => {
  service = await startService()
  const people = [star, fan, ...followers.map(({ id }) => id)]
  await service.owner.query(
    `insert into profiles (id, username, display_name, created_at, follower_count)
     select id, id, id, now(), case when id = $2 then 20 else 0 end
     from unnest($1::uuid[]) as id`,
    [people, star],
  )
  await service.owner.query(
    `insert into follows (follower_id, following_id, created_at)
     select id, $3, at from unnest($1::uuid[], $2::timestamptz[]) as f (id, at)
     union all
     select $4, id, at from unnest($1::uuid[], $2::timestamptz[]) as f (id, at)`,
    [followers.map(({ id }) => id), followers.map(({ at }) => at), star, fan],
  )
})
afterAll(() => service[Symbol.asyncDispose]())

test('all followers in one answer and one statement', async () => {
  const answer = await service.ask('GET', `/internal/users/${star}/followers`)
  expect(answer.body).toEqual({ follower_count: 20, ids: newestFirst.join(' '), next: null })
  expect(await service.spanNames(answer)).toEqual([
    'GET /internal/users/{id}/followers',
    'SELECT follows',
  ])
})

test.each([1, 4, 7, 20])('pages of %i have each follower once', async (limit) => {
  const seen: string[] = []
  let next: string | null = null
  do {
    const after: string = next ? `&after=${next}` : ''
    const path = `/internal/users/${star}/followers?limit=${limit}${after}`
    const { body } = await service.ask('GET', path)
    expect(body.follower_count).toBe(20)
    if (body.ids) seen.push(...body.ids.split(' '))
    next = body.next
  } while (next)
  expect(seen).toEqual(newestFirst)
})

test('all followed in one answer and one statement', async () => {
  const answer = await service.ask('GET', `/internal/users/${fan}/following`)
  expect(answer.body).toEqual({ ids: newestFirst })
  expect(await service.spanNames(answer)).toEqual([
    'GET /internal/users/{id}/following',
    'SELECT follows',
  ])
})

test('nobody follows and is followed by an unknown person, and what is no id belongs to nobody', async () => {
  const nobody = uuid()
  const [followers, following] = await Promise.all([
    service.ask('GET', `/internal/users/${nobody}/followers`),
    service.ask('GET', `/internal/users/${nobody}/following`),
  ])
  expect(followers).toMatchObject({ status: 200, body: { follower_count: 0, ids: '', next: null } })
  expect(following).toMatchObject({ status: 200, body: { ids: [] } })
  const answer = await service.ask('GET', '/internal/users/1/followers')
  expect(answer.status).toBe(404)
})

test.each([
  ['limit=0', 422],
  ['limit=10001', 422],
  ['after=x', 400],
])('%s is refused', async (query, status) => {
  const answer = await service.ask('GET', `/internal/users/${star}/followers?${query}`)
  expect(answer.status).toBe(status)
})
