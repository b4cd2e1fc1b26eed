import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openTestDatabase, type TestDatabase } from '@clew/tests/service-database'
import pg from 'pg'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGroups } from '../src/store/groups.ts'
import { createMessages, type Messages } from '../src/store/messages.ts'

let database: TestDatabase
let postgres: Postgres
let messages: Messages
beforeAll(async () => {
  database = await openTestDatabase('messaging')
  postgres = openPostgres(database.url)
  messages = createMessages(postgres)
})
afterAll(async () => {
  await postgres[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

async function say(from: string, to: string): Promise<string> {
  const draft = { body: 'hello', clientId: uuid() }
  return (await messages.add(from, { personId: to }, draft)).message.id
}

async function missed(me: string, since: string, seen?: string[]): Promise<string[]> {
  return (await messages.missed(me, since, seen)).messages.map(({ id }) => id)
}

/** Begins to write, as the store does, and commits when told. */
async function sayLate(from: string, conversationId: string) {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query(`begin; set local app.user_id = '${from}'`)
  const locked =
    'update conversations set activity_id = uuidv7() where id = $1 returning activity_id'
  const { rows } = await client.query(locked, [conversationId])
  const id: string = rows[0].activity_id
  await client.query(
    `insert into messages (id, conversation_id, sender_id, client_id, body)
     values ($1, $2, $3, $4, 'late')`,
    [id, conversationId, from, uuid()],
  )
  return {
    id,
    async commit() {
      await client.query('commit')
      await client.end()
    },
  }
}

describe('what was missed since a message', () => {
  test('is what came after it, in order, in all conversations of mine and no others', async () => {
    const [me, ada, bob] = [uuid(), uuid(), uuid()]
    await say(ada, me)
    const since = await say(bob, me)
    const expected = [await say(ada, me), await say(bob, me), await say(me, ada)]
    await say(ada, bob)
    expect(await missed(me, since)).toEqual(expected)
    expect(await missed(me, expected[2] ?? '')).toEqual([])
  })

  test('holds one that got its id before and was committed after', async () => {
    const [me, ada, bob] = [uuid(), uuid(), uuid()]
    await say(bob, me)
    const { id } = await createGroups(postgres).add(ada, [me], null)
    const late = await sayLate(ada, id)
    const since = await say(bob, me)
    const next = await say(bob, me)
    expect(late.id < since).toBe(true)
    expect(await missed(me, since)).toEqual([next])
    await late.commit()
    expect(await missed(me, since)).toEqual([late.id, next])
    expect(await missed(me, next)).toEqual([late.id])
  })

  test('is given in portions, each of which goes on from the one before', async () => {
    const [me, ada] = [uuid(), uuid()]
    const since = await say(ada, me)
    const stored = await messages.find(me, since)
    const owner = openPostgres(database.ownerUrl)
    // Each in a transaction of its own, as they would be written.
    await owner.query(
      `do $$ begin
         for n in 1..1200 loop
           insert into messages (id, conversation_id, sender_id, client_id, body)
           values (uuidv7(), '${stored?.message.conversation_id}', '${ada}', n::text, 'many');
           commit;
         end loop;
         update conversations set activity_id = uuidv7();
       end $$`,
    )
    const rows = await owner.query<{ id: string }>(
      `select id from messages where sender_id = $1 and body = 'many' order by id`,
      [ada],
    )
    await owner[Symbol.asyncDispose]()
    const found: string[] = []
    const portions: [number, boolean][] = []
    for (let from = since, more = true; more; from = found.at(-1) ?? '') {
      const portion = await messages.missed(me, from)
      found.push(...portion.messages.map(({ id }) => id))
      portions.push([portion.messages.length, portion.more])
      more = portion.more
    }
    expect(portions).toEqual([
      [500, true],
      [500, true],
      [200, false],
    ])
    expect(found).toEqual(rows.map(({ id }) => id))
  })

  test('holds, for who tells what they have, also what was overtaken on its way', async () => {
    const [me, ada, bob] = [uuid(), uuid(), uuid()]
    const had = await say(ada, me)
    const overtaken = await say(ada, me)
    const since = await say(bob, me)
    const next = await say(bob, me)
    expect(await missed(me, since)).toEqual([next])
    expect(await missed(me, since, [had])).toEqual([overtaken, next])
    expect(await missed(me, since, [])).toEqual([had, overtaken, next])
  })

  test('is asked about messages of mine alone', async () => {
    const [ada, bob] = [uuid(), uuid()]
    const since = await say(ada, bob)
    for (const [me, id] of [
      [uuid(), since],
      [ada, uuid()],
    ] as const) {
      const asked = messages.missed(me, id)
      await expect(asked).rejects.toMatchObject({ status: 422, errors: [{ field: 'since' }] })
    }
  })
})
