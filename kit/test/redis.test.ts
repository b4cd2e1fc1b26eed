import { openRedis, RedisAway } from '@clew/kit/redis'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestRedis } from '@clew/tests/service-database'
import { expect, test } from 'vitest'
import { eventually } from './eventually.ts'

async function openCuttable() {
  const own = await openTestRedis('profile')
  const url = new URL(own.url)
  const link = await openLink(Number(url.port))
  url.port = String(link.port)
  const redis = await openRedis(url.href)
  return {
    redis,
    link,
    get: () => redis.run({ command: 'GET', on: 'thing', send: (c) => c.get('profile:thing') }),
    tryGet: () =>
      redis.attempt({ command: 'GET', on: 'thing', send: (c) => c.get('profile:thing') }),
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]()
      await link[Symbol.asyncDispose]()
      await own[Symbol.asyncDispose]()
    },
  }
}

test('a Redis that gives no answer is away, and is left in peace for a moment', async () => {
  await using cuttable = await openCuttable()
  expect(await cuttable.get()).toBeNull()
  cuttable.link.stall()
  await expect(cuttable.get()).rejects.toThrow('no answer within 50 ms')
  await expect(cuttable.get()).rejects.toThrow('Redis is away')
  expect(await cuttable.tryGet()).toBeUndefined()
})

test('a Redis that went away is used again when it is back', async () => {
  await using cuttable = await openCuttable()
  cuttable.link.cut()
  await expect(cuttable.get()).rejects.toBeInstanceOf(RedisAway)
  cuttable.link.mend()
  expect(await eventually(async () => (await cuttable.tryGet()) === null)).toBe(true)
})

test('a Redis that is away at the start does not hold the start up', async () => {
  await using redis = await openRedis('redis://127.0.0.1:1')
  const ping = redis.attempt({ command: 'PING', on: 'nothing', send: (client) => client.ping() })
  expect(await ping).toBeUndefined()
})

test('a command that Redis refuses is an error, not an outage', async () => {
  await using cuttable = await openCuttable()
  const push = cuttable.redis.attempt({
    command: 'SET',
    on: 'thing',
    send: (client) => client.set('somebody-elses:thing', '1'),
  })
  await expect(push).rejects.toThrow('NOPERM')
})
