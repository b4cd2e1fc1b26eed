import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openTestDatabase, type TestDatabase } from '@clew/tests/service-database'
import pg from 'pg'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createConversationStore } from '../src/store/conversations.ts'
import { createDirectStore } from '../src/store/directs.ts'
import { createGroups } from '../src/store/groups.ts'
import { createMessages } from '../src/store/messages.ts'

let database: TestDatabase
let postgres: Postgres
let service: pg.Client
const [ada, bob, eve] = [uuid(), uuid(), uuid()]
let direct: string
let group: string
let said: string

beforeAll(async () => {
  database = await openTestDatabase('messaging')
  postgres = openPostgres(database.url)
  const hello = { body: 'hello', clientId: 'c1' }
  const { message } = await createMessages(postgres).add(ada, { personId: bob }, hello)
  direct = message.conversation_id
  said = message.id
  group = (await createGroups(postgres).add(ada, [bob], 'tea')).id
  service = new pg.Client({ connectionString: database.url })
  service.on('error', () => {})
  await service.connect()
})
afterAll(async () => {
  await service.end()
  await postgres[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

/** What the service's role gets while it says it works for `userId`. */
async function as(userId: string, text: string, values: unknown[] = []) {
  try {
    await service.query('begin')
    await service.query(`select set_config('app.user_id', $1, true)`, [userId])
    return (await service.query(text, values)).rows
  } finally {
    await service.query('rollback')
  }
}

const tables = ['conversations', 'members', 'messages']
const forbidden = /row-level security/
const denied = /permission denied/

describe('conversations, seen by the role messaging', () => {
  it.each(tables)('%s are there for who is in them', async (table) => {
    expect((await as(ada, `select from ${table}`)).length).toBeGreaterThan(0)
    expect(await as(bob, `select * from ${table}`)).toEqual(await as(ada, `select * from ${table}`))
  })

  it.each(tables)('%s are none for others, and for nobody', async (table) => {
    expect(await as(eve, `select from ${table}`)).toEqual([])
    expect(await as('', `select from ${table}`)).toEqual([])
    expect((await service.query(`select from ${table}`)).rows).toEqual([])
  })

  it('tell others not even who is in them', async () => {
    expect(await as(bob, 'select member_ids($1) as ids', [direct])).toEqual([
      { ids: [ada, bob].sort().join(' ') },
    ])
    for (const userId of [eve, '']) {
      expect(await as(userId, 'select member_ids($1) as ids', [direct])).toEqual([{ ids: null }])
      expect(await as(userId, 'select is_member($1) as is', [direct])).toEqual([{ is: false }])
    }
  })

  const write = `insert into messages (id, conversation_id, sender_id, client_id, body)
    values (uuidv7(), $1, $2, 'c2', 'forged')`
  it('take messages from who is in them, in their own name', async () => {
    await as(bob, write, [direct, bob])
    await expect(as(eve, write, [direct, eve])).rejects.toThrow(forbidden)
    await expect(as(eve, write, [direct, ada])).rejects.toThrow(forbidden)
    await expect(as(bob, write, [direct, ada])).rejects.toThrow(forbidden)
    await expect(as('', write, [direct, ada])).rejects.toThrow(forbidden)
  })

  it('keep what was said as it was said, even from who said it', async () => {
    for (const userId of [ada, bob, eve]) {
      const change = as(userId, `update messages set body = 'no' returning id`)
      await expect(change).rejects.toThrow(denied)
      expect(await as(userId, 'delete from messages returning id')).toEqual([])
    }
  })

  const join = 'insert into members (conversation_id, user_id) values ($1, $2)'
  it('let nobody in by themselves', async () => {
    await expect(as(eve, join, [direct, eve])).rejects.toThrow(forbidden)
    await expect(as(eve, join, [group, eve])).rejects.toThrow(forbidden)
    await expect(as('', join, [group, eve])).rejects.toThrow(forbidden)
    await as(bob, join, [group, eve])
  })

  it('stay between two, if they were', async () => {
    await expect(as(ada, join, [direct, eve])).rejects.toThrow(forbidden)
    const begin = `insert into conversations (id, kind, direct_key, made_by, activity_id)
      values ($1, 'direct', $2, $3, $1)`
    const key = [ada, eve].sort().join(':')
    await as(eve, begin, [uuid(), key, eve])
    await expect(as(bob, begin, [uuid(), key, bob])).rejects.toThrow(forbidden)
    await expect(as(bob, begin, [uuid(), key, ada])).rejects.toThrow(forbidden)
  })

  it('are left by oneself, and taken others out of by the maker', async () => {
    const remove =
      'delete from members where conversation_id = $1 and user_id = $2 returning user_id'
    expect(await as(bob, remove, [group, ada])).toEqual([])
    expect(await as(eve, remove, [group, ada])).toEqual([])
    expect(await as(bob, remove, [direct, ada])).toEqual([])
    expect(await as(ada, remove, [group, bob])).toEqual([{ user_id: bob }])
    expect(await as(bob, remove, [group, bob])).toEqual([{ user_id: bob }])
  })

  it('are read on by oneself alone', async () => {
    const read = 'update members set last_read_id = $1 where user_id = $2 returning user_id'
    expect(await as(ada, read, [said, bob])).toEqual([])
    expect(await as(eve, read, [said, bob])).toEqual([])
    expect(await as(bob, read, [said, bob])).toHaveLength(2)
    await expect(as(bob, 'update members set user_id = $1', [eve])).rejects.toThrow(denied)
  })

  it('are not made of another that one is in', async () => {
    const mal = uuid()
    const own = (await createGroups(postgres).add(mal, [uuid()], null)).id
    for (const change of [
      `update members set conversation_id = '${direct}' where user_id = '${mal}'`,
      `update members set joined_at = now() where user_id = '${mal}'`,
      `update conversations set id = '${uuid()}' where id = '${own}'`,
      `update conversations set made_by = '${mal}' where id = '${own}'`,
      `update conversations set kind = 'direct', direct_key = 'a:b' where id = '${own}'`,
      `insert into messages (id, conversation_id, sender_id, client_id, body, snapshot)
       values (uuidv7(), '${own}', '${mal}', 'c1', 'early', '1:1:')`,
    ]) {
      await expect(as(mal, change)).rejects.toThrow(denied)
    }
    const touch = 'update conversations set activity_id = uuidv7() where id = $1 returning id'
    expect(await as(mal, touch, [own])).toEqual([{ id: own }])
    expect(await as(mal, touch, [group])).toEqual([])
  })

  it('are handed over by their maker alone', async () => {
    // Ada would be next, whoever asks.
    const { id } = await createGroups(postgres).add(bob, [ada, eve], null)
    const makerAfter = async (userId: string) => {
      await service.query('begin')
      try {
        await service.query(`select set_config('app.user_id', $1, true)`, [userId])
        await service.query('select from hand_over($1)', [id])
        await service.query(`select set_config('app.user_id', $1, true)`, [ada])
        const made = 'select made_by from conversations where id = $1'
        const { rows } = await service.query(made, [id])
        return rows[0].made_by
      } finally {
        await service.query('rollback')
      }
    }
    expect(await makerAfter(eve)).toBe(bob)
    expect(await makerAfter(uuid())).toBe(bob)
    expect(await makerAfter(bob)).toBe(ada)
    await createGroups(postgres).remove(eve, id, eve)
  })

  it('are delivered from for their senders alone, though they have left', async () => {
    const messages = createMessages(postgres)
    const groups = createGroups(postgres)
    const mal = uuid()
    const { id } = await groups.add(ada, [bob, mal], null)
    const draft = { body: 'bye', clientId: uuid() }
    const { message } = await messages.add(mal, { conversationId: id }, draft)
    await groups.remove(mal, id, mal)
    expect(await messages.find(mal, message.id)).toBe(undefined)
    expect(await messages.findSent(mal, message.id)).toEqual({
      message,
      memberIds: [ada, bob].sort(),
    })
    for (const userId of [ada, bob, eve]) {
      expect(await messages.findSent(userId, message.id)).toBe(undefined)
    }
    await groups.remove(bob, id, bob)
    await groups.remove(ada, id, ada)
    expect((await messages.findSent(mal, message.id))?.memberIds).toEqual([])
  })

  it('are found by no function of the store', async () => {
    const messages = createMessages(postgres)
    const conversations = createConversationStore(postgres)
    expect(await messages.find(bob, said)).toBeDefined()
    expect(await messages.find(eve, said)).toBe(undefined)
    expect((await conversations.list(eve, 20)).conversations).toEqual([])
    expect(await createDirectStore(postgres).find(eve, ada)).toBe(undefined)
    expect(await conversations.findAcquainted(eve, [ada, bob])).toEqual([])
    expect(await conversations.findAcquainted(bob, [ada, eve])).toEqual([ada])
    for (const look of [
      () => conversations.get(eve, direct),
      () => conversations.findMembers(eve, direct),
      () => conversations.markRead(eve, direct, said),
      () => messages.list(eve, direct, 20),
      () => messages.add(eve, { conversationId: direct }, { body: 'hello', clientId: 'c1' }),
    ]) {
      await expect(look()).rejects.toMatchObject({ status: 404 })
    }
    await expect(messages.missed(eve, said)).rejects.toMatchObject({ status: 422 })
  })

  it('stay so: the role owns nothing and may not change the rule', async () => {
    for (const table of tables) {
      await expect(
        service.query(`alter table ${table} disable row level security`),
      ).rejects.toThrow(/must be owner/)
    }
    await expect(service.query('set role clew')).rejects.toThrow(/permission denied/)
    const { rows } = await service.query(
      `select relname from pg_class where relname = any($1) and relrowsecurity
         and relforcerowsecurity order by 1`,
      [tables],
    )
    expect(rows.map(({ relname }) => relname)).toEqual(tables)
  })
})
