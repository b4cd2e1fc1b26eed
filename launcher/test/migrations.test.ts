import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withClient } from '@clew/population/client'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { migrate } from '../migrations.ts'
import { type Platform, startPlatform } from '../platform.ts'
import { createDatabases } from '../postgres.ts'

let folder: string
let files: string
let platform: Platform
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew migrations '))
  const state = join(folder, 'state')
  platform = await startPlatform({ only: ['postgres'], portOffset: 12_600, state })
})
afterAll(async () => {
  await platform[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  files = join(folder, `migrations-${++count}`)
  await mkdir(files)
  await createDatabases({ [name()]: 'secret' }, urlOf)
})

it('runs each file once, in the order of their numbers, also when two launchers come at once', async () => {
  await write('0002_more.sql', "insert into thread values ('second')")
  await write('0001_thread.sql', 'create table thread (word text)')
  await Promise.all([migrate(files, urlOf(name())), migrate(files, urlOf(name()))])
  await migrate(files, urlOf(name()))
  expect(await query('select word from thread')).toEqual([{ word: 'second' }])
})

it('names the file that fails, and that file has changed nothing', async () => {
  await write('0001_thread.sql', 'create table thread (word text)')
  await write('0002_wrong.sql', 'create table half (word text); select from nowhere')
  await expect(migrate(files, urlOf(name()))).rejects.toThrow(
    /0002_wrong\.sql failed: relation "nowhere" does not exist\.$/,
  )
  const tables = await query(
    "select tablename from pg_tables where schemaname = 'public' order by 1",
  )
  expect(tables).toEqual([{ tablename: 'applied_migrations' }, { tablename: 'thread' }])
})

it('notices a file that was changed after it had run', async () => {
  await write('0001_thread.sql', 'create table thread (word text)')
  await migrate(files, urlOf(name()))
  await write('0001_thread.sql', 'create table thread (word text not null)')
  await expect(migrate(files, urlOf(name()))).rejects.toThrow('0001_thread.sql was changed after')
})

it('lets the service read and write rows and change nothing else', async () => {
  await write('0001_thread.sql', 'create table thread (word text)')
  await migrate(files, urlOf(name()))
  const own = `postgres://${name()}:secret@127.0.0.1:${platform.ports.postgres}`
  await query("insert into thread values ('mine')", `${own}/${name()}`)
  await expect(query('drop table thread', `${own}/${name()}`)).rejects.toThrow('must be owner')
  await expect(query('select 1', `${own}/auth`)).rejects.toThrow('permission denied for database')
})

it('gives a role the password that it has now', async () => {
  await createDatabases({ [name()]: 'changed' }, urlOf)
  const as = (password: string) =>
    query(
      'select 1',
      `postgres://${name()}:${password}@127.0.0.1:${platform.ports.postgres}/${name()}`,
    )
  await as('changed')
  await expect(as('secret')).rejects.toThrow('password authentication failed')
})

const name = () => `trial${count}`
const urlOf = (database: string) => platform.urls.postgres.replace(/[^/]*$/, database)
const write = (file: string, sql: string) => writeFile(join(files, file), sql)

async function query(sql: string, url = urlOf(name())): Promise<unknown[]> {
  return withClient(url, async (client) => (await client.query(sql)).rows)
}
