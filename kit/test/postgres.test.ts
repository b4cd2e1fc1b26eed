import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseAway, openPostgres } from '@clew/kit/postgres'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestDatabase } from '@clew/tests/service-database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'

const alice = '0190a000-0000-7000-8000-00000000000a'
const bob = '0190a000-0000-7000-8000-00000000000b'

let database: Awaited<ReturnType<typeof openTestDatabase>>

beforeAll(async () => {
  database = await openTestDatabase('profile')
  await using owner = openPostgres(database.ownerUrl)
  await owner.query('create table notes (writer uuid not null, words text not null)')
  await owner.query('alter table notes enable row level security')
  await owner.query(`create policy own on notes
    using (writer = nullif(current_setting('app.user_id', true), '')::uuid)`)
})
afterAll(() => database[Symbol.asyncDispose]())

test('what throws in a transaction leaves nothing behind', async () => {
  await using postgres = openPostgres(database.url)
  const failed = postgres.transaction(async (tx) => {
    await tx.query(`insert into outbox (id, type, payload) values ($1, 'x', '{}')`, [alice])
    throw new Error('second thoughts')
  })
  await expect(failed).rejects.toThrow('second thoughts')
  expect(await postgres.query('select id from outbox')).toEqual([])
})

test('a transaction sees the rows of its person, and only those', async () => {
  await using postgres = openPostgres(database.url, { connections: 1 })
  const write = (as: string) =>
    postgres.transaction((tx) => tx.query('insert into notes values ($1, $2)', [as, 'hello']), as)
  const read = (as?: string) =>
    postgres.transaction((tx) => tx.query('select writer from notes'), as)
  await write(alice)
  expect(await read(alice)).toEqual([{ writer: alice }])
  expect(await read(bob)).toEqual([])
  // The connection is the same; who it was used for must not stick to it.
  expect(await read()).toEqual([])
  const forged = postgres.transaction(
    (tx) => tx.query('insert into notes values ($1, $2)', [alice, 'forged']),
    bob,
  )
  await expect(forged).rejects.toThrow('row-level security')
})

test('only an id may become part of the statement that names the person', async () => {
  await using postgres = openPostgres(database.url)
  const odd = postgres.transaction(async () => {}, `${alice}'; drop table notes; --`)
  await expect(odd).rejects.toThrow('must be a UUID')
})

test('a database that cannot be reached is a 503, and is used again when it is back', async () => {
  const url = new URL(database.url)
  await using link = await openLink(Number(url.port))
  url.port = String(link.port)
  await using postgres = openPostgres(url.href, { connectMs: 1_000 })
  const ask = () => postgres.query<{ one: number }>('select 1 as one')
  const write = () => postgres.transaction((tx) => tx.query('select 1'))
  expect(await ask()).toEqual([{ one: 1 }])
  link.cut()
  await expect(ask()).rejects.toBeInstanceOf(DatabaseAway)
  await expect(ask()).rejects.toMatchObject({ status: 503 })
  await expect(write()).rejects.toMatchObject({ status: 503 })
  link.mend()
  expect(await eventually(() => ask().catch(() => undefined))).toEqual([{ one: 1 }])
})

test('a database that hangs is a 503 in the end', async () => {
  const url = new URL(database.url)
  await using link = await openLink(Number(url.port))
  url.port = String(link.port)
  await using postgres = openPostgres(url.href, { connectMs: 1_000, statementMs: 200 })
  await postgres.query('select 1')
  link.stall()
  await expect(postgres.query('select 1')).rejects.toMatchObject({ status: 503 })
  await expect(postgres.transaction((tx) => tx.query('select 1'))).rejects.toMatchObject({
    status: 503,
  })
  link.cut()
})

test('a statement that takes too long is a 503, but does not mean that the database is away', async () => {
  await using postgres = openPostgres(database.url, { statementMs: 100 })
  const slow = await postgres.query('select pg_sleep(2)').catch((error: unknown) => error)
  expect(slow).toMatchObject({ status: 503, cause: { code: '57014' } })
  expect(slow).not.toBeInstanceOf(DatabaseAway)
  expect(await postgres.query('select 1 as one')).toEqual([{ one: 1 }])
})

test('an error in a statement passes as it is', async () => {
  await using postgres = openPostgres(database.url)
  await expect(postgres.query('select nonsense')).rejects.toMatchObject({ code: '42703' })
})

test('a connection that breaks within a transaction fails that transaction, not the process', async () => {
  await using link = await openLink(Number(new URL(database.url).port))
  const url = new URL(database.url)
  url.port = String(link.port)
  await using postgres = openPostgres(url.href)
  const broken = postgres.transaction(async (tx) => {
    link.cut()
    await sleep(100)
    await tx.query('select 1')
  })
  await expect(broken).rejects.toMatchObject({ status: 503 })
  link.mend()
  expect(await postgres.query('select 1 as one')).toEqual([{ one: 1 }])
})
