import { createClient } from '@clew/kit/client'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { serve } from '@clew/tests/neighbours'
import { openTestDatabase } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEnsureAuthor } from '../src/authors.ts'
import { createAuthors } from '../src/store/authors.ts'

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
