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

test('messages of several instances at once keep one order, of ids and of times', async () => {
  const [ada, bob] = [uuid(), uuid()]
  const { id } = await createGroups(postgres).add(ada, [bob], null)
  const instances = Array.from({ length: 4 }, () => createMessages(postgres))
  await Promise.all(
    instances.flatMap(({ add }) =>
      Array.from({ length: 12 }, (_, index) =>
        add(index % 2 ? ada : bob, { conversationId: id }, { body: 'hello', clientId: uuid() }),
      ),
    ),
  )
  // Each was visible when the next was written: the order of ids is that of the commits.
  const [pairs] = await owner.query(
    `select count(*) filter (where visible = (a.id < b.id))::int as right,
       count(*) filter (where visible <> (a.id < b.id))::int as wrong
     from messages as a join messages as b using (conversation_id)
     cross join lateral (select pg_visible_in_snapshot(a.tx, b.snapshot) as visible) as seen
     where conversation_id = $1 and a.id <> b.id`,
    [id],
  )
  expect(pairs).toEqual({ right: 48 * 47, wrong: 0 })
  const { messages } = await createMessages(postgres).list(ada, id, 100)
  const times = messages.map(({ created_at }) => created_at.getTime())
  expect(times).toEqual([...times].sort((a, b) => b - a))
})
