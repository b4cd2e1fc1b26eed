import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { waitUntil } from '@clew/tests/one-service'
import { openTestDatabase, type TestDatabase } from '@clew/tests/service-database'
import pg from 'pg'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGroups } from '../src/store/groups.ts'
import { createMessages } from '../src/store/messages.ts'

let database: TestDatabase
let postgres: Postgres
let owner: Postgres
beforeAll(async () => {
  database = await openTestDatabase('messaging')
  postgres = openPostgres(database.url)
  owner = openPostgres(database.ownerUrl)
})
afterAll(async () => {
  await postgres[Symbol.asyncDispose]()
  await owner[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** Changes who is in a group, as the store does; the change is held open until `work` waits for it. */
async function meanwhile<Result>(
  group: string,
  change: { text: string; values: string[] },
  work: () => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
  await client.query('begin')
  await client.query('select from conversations where id = $1 for update', [group])
  await client.query(change.text, change.values)
  const working = work().catch((error) => error)
  await waitUntil(async () => {
    const waiting = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
    return (await owner.query(waiting)).length > 0
  })
  await client.query('commit')
  await client.end()
  return working
}

describe('a message that waits while a group changes', () => {
  const draft = () => ({ body: 'hello', clientId: uuid() })

  test('is for who has come', async () => {
    const [ada, bob, carl] = [uuid(), uuid(), uuid()]
    const { id } = await createGroups(postgres).add(ada, [bob], null)
    const change = { text: 'insert into members values ($1, $2)', values: [id, carl] }
    const stored = await meanwhile(id, change, () =>
      createMessages(postgres).add(ada, { conversationId: id }, draft()),
    )
    expect(stored.memberIds).toEqual([ada, bob, carl].sort())
  })

  test('is not for who has gone', async () => {
    const [ada, bob, carl] = [uuid(), uuid(), uuid()]
    const { id } = await createGroups(postgres).add(ada, [bob, carl], null)
    const text = 'delete from members where conversation_id = $1 and user_id = $2'
    const stored = await meanwhile(id, { text, values: [id, carl] }, () =>
      createMessages(postgres).add(ada, { conversationId: id }, draft()),
    )
    expect(stored.memberIds).toEqual([ada, bob].sort())
  })

  test('is not from who has gone', async () => {
    const [ada, bob] = [uuid(), uuid()]
    const { id } = await createGroups(postgres).add(ada, [bob], null)
    const text = 'delete from members where conversation_id = $1 and user_id = $2'
    const refused = await meanwhile(id, { text, values: [id, bob] }, () =>
      createMessages(postgres).add(bob, { conversationId: id }, draft()),
    )
    expect(refused).toMatchObject({ status: 404 })
    expect((await createMessages(postgres).list(ada, id, 1)).messages).toEqual([])
  })
})
