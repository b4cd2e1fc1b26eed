import { createBus } from '@clew/kit/bus'
import { createLogger } from '@clew/kit/log'
import { publish, startRelay } from '@clew/kit/outbox'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openRedis, type Redis } from '@clew/kit/redis'
import { openLink } from '@clew/tests/cuttable-link'
import {
  openTestDatabase,
  openTestRedis,
  type TestDatabase,
  type TestRedis,
} from '@clew/tests/service-database'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.ts'

const stream = 'events:profile'
const log = createLogger('test')
log.level = 'silent'

let database: TestDatabase
let own: TestRedis
let postgres: Postgres
let redis: Redis

beforeEach(async () => {
  ;[database, own] = await Promise.all([openTestDatabase('profile'), openTestRedis('profile')])
  postgres = openPostgres(database.url)
  redis = await openRedis(own.url)
})
afterEach(async () => {
  await redis[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
  await Promise.all([database[Symbol.asyncDispose](), own[Symbol.asyncDispose]()])
})

function record(count: number): Promise<void> {
  return postgres.transaction(async (tx) => {
    await publish(tx, stream, 'thing.happened', { count })
  })
}

async function sent(): Promise<number[]> {
  const entries = await redis.run({
    command: 'XRANGE',
    on: stream,
    send: (client) => client.xRange(stream, '-', '+'),
  })
  return (entries ?? []).map(({ message }) => JSON.parse(message.payload ?? '').count)
}

test('facts leave in the order they were recorded, and then are gone from the outbox', async () => {
  for (const count of [1, 2, 3]) await record(count)
  await using relay = startRelay(postgres, createBus(redis), stream, log)
  await eventually(async () => (await sent()).length === 3)
  await record(4)
  relay.wake()
  await eventually(async () => (await sent()).length === 4)
  expect(await sent()).toEqual([1, 2, 3, 4])
  await eventually(async () => (await postgres.query('select id from outbox')).length === 0)
})

test('a fact is recorded with its change or not at all', async () => {
  const failed = postgres.transaction(async (tx) => {
    await publish(tx, stream, 'thing.happened', { count: 1 })
    throw new Error('second thoughts')
  })
  await expect(failed).rejects.toThrow('second thoughts')
  expect(await postgres.query('select id from outbox')).toEqual([])
})

test('facts wait while Redis is away, and leave when it is back', async () => {
  const url = new URL(own.url)
  await using link = await openLink(Number(url.port))
  url.port = String(link.port)
  await using cuttable = await openRedis(url.href)
  link.cut()
  await using relay = startRelay(postgres, createBus(cuttable), stream, log)
  await record(1)
  relay.wake()
  await record(2)
  expect(await postgres.query('select id from outbox')).toHaveLength(2)
  link.mend()
  await eventually(async () => (await sent()).length >= 2)
  expect([...new Set(await sent())]).toEqual([1, 2])
})

test('two relays of one outbox send every fact, in order', async () => {
  await using _first = startRelay(postgres, createBus(redis), stream, log)
  await using _second = startRelay(postgres, createBus(redis), stream, log)
  const counts = Array.from({ length: 20 }, (_, index) => index)
  for (const count of counts) await record(count)
  await eventually(async () => (await sent()).length >= counts.length)
  expect(await sent()).toEqual(counts)
})
