import { createClient } from '@clew/kit/client'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { eventually } from '@clew/kit/test/eventually'
import { serve } from '@clew/tests/neighbours'
import { openTestDatabase } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEnsureAuthor } from '../src/authors.ts'
import { createAuthors } from '../src/store/authors.ts'
import { columns } from '../src/store.ts'

const stack = new AsyncDisposableStack()
let postgres: Postgres

beforeAll(async () => {
  postgres = stack.use(openPostgres(stack.use(await openTestDatabase('feed')).url))
})
afterAll(() => stack.disposeAsync())

function cardOf(user_id: string, username: string, second: number) {
  const updated_at = new Date(1_800_000_000_000 + second * 1_000).toISOString()
  return { user_id, username, display_name: username, avatar_url: null, updated_at }
}

async function usernameOf(id: string): Promise<string | undefined> {
  const rows = await postgres.query<{ username: string }>(
    'select username from authors where id = $1',
    [id],
  )
  return rows[0]?.username
}

test('of two changes of a card the later stays, whichever is told last, however often', async () => {
  const { keepCard } = createAuthors(postgres)
  const id = uuid()
  for (const [name, second, expected] of [
    ['second', 2, 'second'],
    ['first', 1, 'second'],
    ['third', 3, 'third'],
    ['second', 2, 'third'],
  ] as const) {
    await keepCard(cardOf(id, name, second))
    expect(await usernameOf(id)).toBe(expected)
  }
})

test('what is told of a change is newer than what was asked for', async () => {
  const { keepCard } = createAuthors(postgres)
  const id = uuid()
  const body = cardOf(id, 'asked', 9)
  await using neighbour = await serve(async () => body)
  await using profile = createClient('profile', neighbour.url)
  await createEnsureAuthor(postgres, profile)(id)
  expect(await usernameOf(id)).toBe('asked')
  await keepCard(cardOf(id, 'told', 1))
  expect(await usernameOf(id)).toBe('told')
})

test('a card does not change between the insert of a post and its commit', async () => {
  const { keepCard, postIds } = createAuthors(postgres)
  const id = uuid()
  await keepCard(cardOf(id, 'before', 1))
  const order: string[] = []
  const { promise: read, resolve: inserted } = Promise.withResolvers<void>()
  const writing = postgres.transaction(async (tx) => {
    const [post] = await tx.query<{ author: { username: string } }>(
      `insert into posts (id, user_id, content) values ($1, $2, 'x') returning ${columns}`,
      [uuid(), id],
    )
    inserted()
    await eventually(async () => (await waiting()) || order.length > 0)
    order.push(`written by ${post?.author.username}`)
  })
  await read
  const held: string[] = []
  const changing = keepCard(cardOf(id, 'after', 2)).then(async () => {
    order.push('changed')
    for await (const ids of postIds(id)) held.push(...ids)
  })
  await Promise.all([writing, changing])
  expect(order).toEqual(['written by before', 'changed'])
  expect(held).toHaveLength(1)
})

async function waiting(): Promise<boolean> {
  const blocked = await postgres.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return blocked.length > 0
}
