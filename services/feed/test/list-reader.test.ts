import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis, type Redis } from '@clew/kit/redis'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { createListReader, type ReadIds } from '../src/list-reader.ts'
import { createListWriter } from '../src/list-writer.ts'
import { createLists, type Lists } from '../src/lists.ts'
import { removeKeys } from '../src/posts-writer.ts'
import { createStore } from '../src/store.ts'
import { createCounted } from './counted.ts'

vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '2000'
})

// A reader that can be stopped between what Postgres said and what it writes to Redis.
const stack = new AsyncDisposableStack()
let redis: Redis
let lists: Lists
let readIds: ReadIds
let asked: PromiseWithResolvers<void>
let gate: PromiseWithResolvers<void>
let write: (author: string) => Promise<string>
const counted = createCounted()
const top = { offset: 0, count: 21 }

beforeAll(async () => {
  const postgres = stack.use(openPostgres(stack.use(await openTestDatabase('feed')).url))
  redis = stack.use(await openRedis(stack.use(await openTestRedis('feed')).url))
  lists = createLists(redis, createOverdue(redis, createLogger('feed'), removeKeys))
  const store = createStore(postgres)
  const slowly = async <Result>(found: Promise<Result>) => {
    const result = await found
    asked.resolve()
    await gate.promise
    return result
  }
  readIds = createListReader({
    lists,
    store: {
      ...store,
      rebuildTimeline: (...given) => slowly(store.rebuildTimeline(...given)),
      rebuildAuthor: (...given) => slowly(store.rebuildAuthor(...given)),
    },
    metrics: counted.metrics,
    following: { read: async () => ({ ids: [], hit: true }) },
  })
  write = async (author) => {
    await postgres.query(
      `insert into authors (id, username, display_name) values ($1, 'a', 'a') on conflict do nothing`,
      [author],
    )
    const id = uuid()
    await postgres.query(`insert into posts (id, user_id, content) values ($1, $2, 'x')`, [
      id,
      author,
    ])
    return id
  }
})
beforeEach(() => {
  counted.take('timeline')
  asked = Promise.withResolvers()
  gate = Promise.withResolvers()
})
afterAll(() => stack.disposeAsync())

for (const kind of ['timeline', 'author'] as const) {
  test(`what is posted while the ${kind} list is being built is in the next page, and all after`, async () => {
    const reader = uuid()
    const before = await write(reader)
    const building = readIds(kind, reader, top)
    await asked.promise
    const meanwhile = await write(reader)
    await lists.pushOwn(kind, reader, meanwhile)
    const next = readIds(kind, reader, top)
    gate.resolve()
    expect(await building).toEqual({ ids: [before], hit: false })
    expect(await next).toEqual({ ids: [meanwhile, before], hit: false })
    expect(await readIds(kind, reader, top)).toEqual({ ids: [meanwhile, before], hit: true })
  })

  test(`a ${kind} list that was dropped while it was being built is not filled in`, async () => {
    const reader = uuid()
    await write(reader)
    const building = readIds(kind, reader, top)
    await asked.promise
    await createListWriter(redis).drop(kind, [reader])
    gate.resolve()
    await building
    expect(await lists.read(kind, reader, top)).toMatchObject({ known: false })
  })
}

test('while another process builds the list, pages come from Postgres and fill nothing in', async () => {
  const reader = uuid()
  const ids = [await write(reader), await write(reader)].reverse()
  const token = await lists.claim('timeline', reader)
  gate.resolve()
  expect(await readIds('timeline', reader, top)).toEqual({ ids, hit: false })
  expect(await lists.read('timeline', reader, top)).toMatchObject({ known: true, complete: false })
  if (token) await lists.fill('timeline', reader, token, ids, true, [])
  expect(await readIds('timeline', reader, top)).toEqual({ ids, hit: true })
})

test('a page is counted once, whoever it waits for', async () => {
  const reader = uuid()
  await write(reader)
  const building = readIds('timeline', reader, top)
  await asked.promise
  const waiting = readIds('timeline', reader, top)
  await new Promise((resolve) => setTimeout(resolve, 50))
  gate.resolve()
  await Promise.all([building, waiting])
  expect(counted.take('timeline')).toEqual([0, 2])
  await readIds('timeline', reader, top)
  expect(counted.take('timeline')).toEqual([1, 0])
})

test('who waits for a builder that fails reads alone', async () => {
  const reader = uuid()
  const id = await write(reader)
  const building = readIds('timeline', reader, top)
  const failed = expect(building).rejects.toThrow('broken')
  await asked.promise
  const waiting = readIds('timeline', reader, top)
  await lists.read('timeline', reader, top)
  gate.reject(new Error('broken'))
  await failed
  expect(await waiting).toEqual({ ids: [id], hit: false })
})
