import { setTimeout as sleep } from 'node:timers/promises'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openTestDatabase, type TestDatabase } from '@clew/tests/service-database'
import pg from 'pg'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGroups } from '../src/store/groups.ts'
import type { Message } from '../src/store/message.ts'
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

async function say(from: string, to: string, body = 'hello'): Promise<string> {
  return (await messages.add(from, { personId: to }, { body, clientId: uuid() })).message.id
}

async function sayIn(conversationId: string, from: string): Promise<string> {
  const draft = { body: 'hello', clientId: uuid() }
  return (await messages.add(from, { conversationId }, draft)).message.id
}

async function missed(me: string, since: string, seen?: string[]): Promise<string[]> {
  return (await messages.missed(me, since, seen)).messages.map(({ id }) => id)
}

/** All portions, as a client asks for them. */
async function readPortions(me: string, since: string, seen?: string[]) {
  const portions: Message[][] = []
  for (let more = true; more; ) {
    const portion = await messages.missed(me, since, seen, portions.at(-1)?.at(-1)?.id)
    portions.push(portion.messages)
    more = portion.more
    if (portions.length > 100) throw new Error('it never ends')
  }
  return portions
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
    const portions = await readPortions(me, since)
    expect(portions.map(({ length }) => length)).toEqual([500, 500, 200])
    expect(portions.flat().map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
  })

  test('is given in portions of few bytes, whatever was written', async () => {
    const [me, ada] = [uuid(), uuid()]
    // Each byte is six in JSON.
    const body = '\u0001'.repeat(4_096)
    const expected: string[] = []
    for (let n = 0; n < 30; n++) expected.push(await say(ada, me, body))
    // Told that none of them came, it goes through all that was said in the 5 seconds before.
    const since = await say(ada, me)
    const portions = await readPortions(me, since, [])
    expect(portions.map(({ length }) => length)).toEqual([10, 10, 10])
    for (const portion of portions) {
      expect(JSON.stringify(portion).length).toBeLessThan(256 * 1024)
    }
    expect(portions.flat().map(({ id }) => id)).toEqual(expected)
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

  test('is what was said in a group once I was in it; what was said before is history', async () => {
    const [me, ada, bob] = [uuid(), uuid(), uuid()]
    const groups = createGroups(postgres)
    const { id } = await groups.add(ada, [bob], null)
    const since = await say(ada, me)
    const before = await sayIn(id, ada)
    await groups.bring(bob, id, [me])
    const after = [await sayIn(id, ada), await sayIn(id, bob)]
    expect(await missed(me, since)).toEqual(after)
    expect((await messages.list(me, id, 10)).messages.map((one) => one.id)).toContain(before)
    await groups.remove(me, id, me)
    await sayIn(id, ada)
    expect(await missed(me, since)).toEqual([])
    await groups.bring(bob, id, [me])
    const again = await sayIn(id, ada)
    expect(await missed(me, since)).toEqual([again])
    // Who brings somebody who is in it already changes nothing for them.
    await groups.bring(bob, id, [me])
    expect(await missed(me, since)).toEqual([again])
  })

  test('is everything in a group that was silent until I came', async () => {
    const [me, ada] = [uuid(), uuid()]
    const groups = createGroups(postgres)
    const { id } = await groups.add(ada, [uuid()], null)
    const since = await say(ada, me)
    await groups.bring(ada, id, [me])
    const first = await sayIn(id, ada)
    expect(await missed(me, since)).toEqual([first])
  })

  test('begins after whatever is being said while I am brought in', async () => {
    const [me, ada, bob] = [uuid(), uuid(), uuid()]
    const groups = createGroups(postgres)
    const { id } = await groups.add(ada, [bob], null)
    const since = await say(ada, me)
    const before = await sayLate(ada, id)
    const bringing = groups.bring(bob, id, [me])
    // It waits for the lock, or comes to it yet: either way the message was said before.
    await sleep(100)
    await before.commit()
    await bringing
    const first = await sayIn(id, ada)
    expect(await missed(me, since)).toEqual([first])
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
