import { setTimeout as sleep } from 'node:timers/promises'
import { createBus, type Fact } from '@clew/kit/bus'
import { createLogger } from '@clew/kit/log'
import { Problem } from '@clew/kit/problem'
import { openRedis, type Redis } from '@clew/kit/redis'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestRedis, type TestRedis } from '@clew/tests/service-database'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from './eventually.ts'

// Read when the module is: on a busy machine an answer can take more than the usual 50 ms.
vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '5000'
})

const stream = 'events:profile'
const group = 'profile'
const log = createLogger('test')
log.level = 'silent'

let own: TestRedis
let redis: Redis

beforeEach(async () => {
  own = await openTestRedis('profile')
  redis = await openRedis(own.url)
})
afterEach(async () => {
  await redis[Symbol.asyncDispose]()
  await own[Symbol.asyncDispose]()
})

function makeFact(id: string): Fact {
  return { id, type: 'thing.happened', payload: { id }, carrier: {} }
}

function consume(on: Redis, handle: (id: string) => Promise<void>, atOnce?: number) {
  return createBus(on).consume({
    stream,
    group,
    log,
    ...(atOnce && { atOnce }),
    handlers: {
      'thing.happened': { relation: 'link', handle: ({ id }: { id: string }) => handle(id) },
    },
  })
}

function ask<Result>(send: Parameters<typeof redis.run<Result>>[0]['send']): Promise<Result> {
  return redis.run({ command: 'ASK', on: 'test', send })
}

async function pending(): Promise<number> {
  return ask(async (client) => (await client.xPending(stream, group)).pending)
}

test('facts arrive in order, and are taken once', async () => {
  const seen: string[] = []
  await using _ = consume(redis, async (id) => void seen.push(id))
  await createBus(redis).append(stream, ['a', 'b', 'c'].map(makeFact))
  await createBus(redis).append(stream, [makeFact('d')])
  await eventually(() => seen.length >= 4)
  expect(seen).toEqual(['a', 'b', 'c', 'd'])
  expect(await eventually(async () => (await pending()) === 0)).toBe(true)
})

test('as many facts are handled at once as asked for, each of them once', async () => {
  await createBus(redis).append(stream, ['a', 'b', 'c', 'd', 'e'].map(makeFact))
  const seen: string[] = []
  let atOnce = 0
  let most = 0
  const handle = async (id: string) => {
    seen.push(id)
    most = Math.max(most, ++atOnce)
    // The first is slow: the others pass it by, and none of them waits for it.
    await (id === 'a' ? eventually(() => seen.length === 5) : sleep(5))
    atOnce--
  }
  await using _ = consume(redis, handle, 2)
  await eventually(async () => seen.length === 5 && (await pending()) === 0)
  expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(most).toBe(2)
})

test('a consumer ends only when all that it handles at once has ended', async () => {
  await createBus(redis).append(stream, ['a', 'b'].map(makeFact))
  const { promise, resolve } = Promise.withResolvers<void>()
  const ended: string[] = []
  const handle = async (id: string) => {
    if (id === 'b') await promise
    ended.push(id)
  }
  const consumer = consume(redis, handle, 2)
  await eventually(() => ended.includes('a'))
  const disposed = consumer[Symbol.asyncDispose]().then(() => ended.push('consumer'))
  await sleep(100)
  resolve()
  await disposed
  expect(ended).toEqual(['a', 'b', 'consumer'])
})

test('what fails is tried again, and others are not held up', async () => {
  const seen: string[] = []
  await using _ = consume(redis, async (id) => {
    seen.push(id)
    if (id === 'a' && seen.filter((one) => one === 'a').length < 3) throw new Error('not yet')
  })
  await createBus(redis).append(stream, ['a', 'b'].map(makeFact))
  await eventually(() => seen.length >= 4)
  expect(seen).toEqual(['a', 'b', 'a', 'a'])
})

test('what fails five times is put aside with all its fields', async () => {
  let tries = 0
  await using _ = consume(redis, async () => {
    tries++
    throw new Error('never')
  })
  await createBus(redis).append(stream, [makeFact('a')])
  const dead = await eventually(async () => {
    const entries = await ask((client) => client.xRange(`${group}:dead:${stream}`, '-', '+'))
    return entries?.[0]
  })
  expect(dead.message).toEqual({ id: 'a', type: 'thing.happened', payload: '{"id":"a"}' })
  expect(tries).toBe(5)
  expect(await eventually(async () => (await pending()) === 0)).toBe(true)
})

test('a fact is never given up because a database is away', async () => {
  let tries = 0
  await using _ = consume(redis, async () => {
    if (++tries <= 6) throw new Problem(503, 'away')
  })
  await createBus(redis).append(stream, [makeFact('a')])
  await eventually(() => tries === 7)
  expect(await ask((client) => client.exists(`${group}:dead:${stream}`))).toBe(0)
})

test('a fact that an outage holds up holds up no others, and is told of once', async () => {
  using warned = vi.spyOn(log, 'warn')
  const seen: string[] = []
  let away = true
  await using _ = consume(redis, async (id) => {
    if (id === 'stuck' && away) throw new Problem(503, 'away')
    seen.push(id)
  })
  await createBus(redis).append(stream, ['a', 'stuck', 'b'].map(makeFact))
  await eventually(() => seen.length === 2)
  for (const id of ['c', 'd', 'e']) {
    await createBus(redis).append(stream, [makeFact(id)])
    await eventually(() => seen.at(-1) === id)
  }
  away = false
  await eventually(() => seen.includes('stuck'))
  expect(seen).toEqual(['a', 'b', 'c', 'd', 'e', 'stuck'])
  expect(warned).toHaveBeenCalledTimes(1)
})

test('in an outage few facts are taken, and all are handled after it', async () => {
  const ids = Array.from({ length: 500 }, (_, at) => `${at}`)
  await createBus(redis).append(stream, ids.map(makeFact))
  const seen = new Set<string>()
  let tries = 0
  await using _ = consume(redis, async (id) => {
    if (++tries <= 4) throw new Problem(503, 'away')
    seen.add(id)
  })
  await eventually(() => tries === 4)
  expect(await pending()).toBeLessThan(200)
  await eventually(() => seen.size === ids.length)
})

test('a fact that ends its reader five times is put aside, and only that', async () => {
  await createBus(redis).append(stream, ['a', 'poison', 'b', 'c'].map(makeFact))
  const seen: string[] = []
  for (let life = 1; life <= 5; life++) {
    let stuck = false
    const handle = async (id: string) => {
      if (id !== 'poison') return void seen.push(id)
      stuck = true
      await new Promise(() => {})
    }
    const killed = consume(redis, handle)
    await eventually(() => stuck)
    void killed[Symbol.asyncDispose]()
  }
  const last: string[] = []
  await using _ = consume(redis, async (id) => void last.push(id))
  await eventually(() => last.length >= 2)
  expect([seen, last]).toEqual([['a'], ['b', 'c']])
  const dead = await ask((client) => client.xRange(`${group}:dead:${stream}`, '-', '+'))
  expect(dead?.map(({ message }) => message.id)).toEqual(['poison'])
  expect(await eventually(async () => (await pending()) === 0)).toBe(true)
})

test('what cannot be read is put aside, and what was trimmed away is let go', async () => {
  const seen: string[] = []
  await ask((client) => client.xGroupCreate(stream, group, '0', { MKSTREAM: true }))
  const gone = await ask((client) =>
    client.xAdd(stream, '*', { id: 'gone', type: 'thing.happened' }),
  )
  await ask((client) => client.xReadGroup(group, '1', { key: stream, id: '>' }))
  await ask((client) => client.xDel(stream, gone))
  await ask((client) =>
    client.xAdd(stream, '*', { id: 'odd', type: 'thing.happened', payload: '{' }),
  )
  await using _ = consume(redis, async (id) => void seen.push(id))
  await createBus(redis).append(stream, [makeFact('a')])
  await eventually(() => seen.length > 0)
  expect(seen).toEqual(['a'])
  await eventually(async () => ask((client) => client.exists(`${group}:dead:${stream}`)))
  expect(await eventually(async () => (await pending()) === 0)).toBe(true)
})

test('a fact taken by a process that died comes to the one started in its place', async () => {
  await createBus(redis).append(stream, ['a', 'b'].map(makeFact))
  const stuck: string[] = []
  // Disposed without waiting for its handler: all that a killed process leaves behind.
  const killed = consume(redis, (id) => new Promise(() => stuck.push(id)))
  await eventually(() => stuck.length === 1)
  void killed[Symbol.asyncDispose]()
  const seen: string[] = []
  await using _ = consume(redis, async (id) => void seen.push(id))
  await eventually(() => seen.length >= 2)
  expect(seen).toEqual(['a', 'b'])
})

test('a consumer goes on after Redis was away', async () => {
  const url = new URL(own.url)
  await using link = await openLink(Number(url.port))
  url.port = String(link.port)
  await using cuttable = await openRedis(url.href)
  const seen: string[] = []
  await using _ = consume(cuttable, async (id) => void seen.push(id))
  await createBus(redis).append(stream, [makeFact('a')])
  await eventually(() => seen.length === 1)
  link.cut()
  await createBus(redis).append(stream, [makeFact('b')])
  link.mend()
  await eventually(() => seen.includes('b'))
  expect(new Set(seen)).toEqual(new Set(['a', 'b']))
})

test('a consumer ends although Redis is away', async () => {
  await using away = await openRedis('redis://127.0.0.1:1')
  const consumer = consume(away, async () => {})
  await consumer[Symbol.asyncDispose]()
})

test('a follower knows when it has seen all, and when it no longer does', async () => {
  const url = new URL(own.url)
  await using link = await openLink(Number(url.port))
  url.port = String(link.port)
  await using cuttable = await openRedis(url.href)
  await createBus(redis).append(stream, [makeFact('a')])
  const seen: string[] = []
  await using follower = createBus(cuttable).follow({
    stream,
    sinceMs: Date.now() - 60_000,
    seen: (fact) => seen.push(fact.id),
  })
  await eventually(() => follower.current())
  expect(seen).toEqual(['a'])
  link.cut()
  await eventually(() => !follower.current())
  await createBus(redis).append(stream, [makeFact('b')])
  link.mend()
  await eventually(() => follower.current())
  expect(seen).toEqual(['a', 'b'])
})
