import { openLink } from '@clew/tests/cuttable-link'
import { openTestRedis } from '@clew/tests/service-database'
import { createClient, type RedisClientType } from 'redis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLogger } from '../log.ts'
import { createOverdue, type Overdue } from '../overdue.ts'
import { openRedis, type Redis, RedisAway } from '../redis.ts'
import { eventually } from './eventually.ts'

// Read when the module is: on a busy machine an answer can take more than the usual 50 ms.
vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '1000'
})

const stack = new AsyncDisposableStack()
let link: Awaited<ReturnType<typeof openLink>>
let redis: Redis
let inspect: RedisClientType
let overdue: Overdue

beforeAll(async () => {
  const { url } = stack.use(await openTestRedis('profile'))
  const through = new URL(url)
  link = stack.use(await openLink(Number(through.port)))
  through.port = String(link.port)
  redis = stack.use(await openRedis(through.href))
  inspect = createClient({ url })
  await inspect.connect()
  stack.defer(() => inspect.destroy())
  overdue = createOverdue(redis, createLogger('test'))
})
afterAll(() => stack.disposeAsync())

test('what is dropped is gone, and passed by no longer', async () => {
  await inspect.set('profile:a', 'old')
  const dropping = overdue.drop('profile', ['profile:a'])
  expect(overdue.has('profile:a')).toBe(true)
  await dropping
  expect(overdue.has('profile:a')).toBe(false)
  expect(await inspect.exists('profile:a')).toBe(0)
})

test('whoever was answered just before a drop still passes by what it was given', async () => {
  for (let round = 0; round < 20; round++) {
    await inspect.set('profile:b', 'old')
    const reading = redis.attempt({
      command: 'GET',
      on: 'profile',
      send: (client) => client.get('profile:b'),
    })
    const dropping = overdue.drop('profile', ['profile:b'])
    const found = await reading
    // What a reader does with it, before it looks whether it may be used.
    for (let step = 0; step < 50; step++) await null
    expect([found, overdue.has('profile:b')]).toEqual(['old', true])
    await dropping
  }
})

test('without Redis keys are passed by until they are dropped, and nothing read before is filled in', async () => {
  await inspect.set('profile:c', 'old')
  using before = overdue.load()
  link.cut()
  await overdue.drop('profile', ['profile:c'])
  overdue.dropAfter(new RedisAway('away'), ['profile:d'])
  expect(['profile:c', 'profile:d', 'profile:e'].map(overdue.has)).toEqual([true, true, false])
  link.mend()
  await eventually(() => !overdue.has('profile:c') && !overdue.has('profile:d'))
  expect(await inspect.exists('profile:c')).toBe(0)
  using after = overdue.load()
  const keys = ['profile:c', 'profile:d', 'profile:e']
  expect(keys.map(before.mayFill)).toEqual([false, false, true])
  expect(keys.map(after.mayFill)).toEqual([true, true, true])
})

test('keys can go in another way', async () => {
  await inspect.set('profile:f', 'old')
  const holding = createOverdue(redis, createLogger('test'), (client, keys) =>
    client.mSet(keys.map((key): [string, string] => [key, '?'])),
  )
  await holding.drop('profile', ['profile:f'])
  expect(await inspect.get('profile:f')).toBe('?')
  expect(holding.has('profile:f')).toBe(false)
})

test('a change that fails just as an earlier one of the same key is done is not forgotten', async () => {
  let calls = 0
  let second: Promise<void> | undefined
  const own: Overdue = createOverdue(redis, createLogger('test'), async (client, keys) => {
    if (++calls === 2) throw new Error('refused')
    await client.del(keys)
    second ??= own.drop('profile', keys)
  })
  await own.drop('profile', ['profile:twice'])
  await second
  expect(own.has('profile:twice')).toBe(true)
  await eventually(() => !own.has('profile:twice'))
  expect(calls).toBe(3)
})
