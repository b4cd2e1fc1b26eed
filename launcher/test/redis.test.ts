import { openTestRedis } from '@clew/tests/service-database'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it } from 'vitest'

// Users as they are in a real Redis with our configuration.
const owned = new AsyncDisposableStack()
let gateway: Awaited<ReturnType<typeof connectAs>>
let profile: Awaited<ReturnType<typeof connectAs>>
let messaging: Awaited<ReturnType<typeof connectAs>>
let media: Awaited<ReturnType<typeof connectAs>>

beforeAll(async () => {
  gateway = await connectAs('gateway')
  profile = await connectAs('profile')
  messaging = await connectAs('messaging')
  media = await connectAs('media')
})
afterAll(() => owned.disposeAsync())

async function connectAs(user: string) {
  const url = new URL(owned.use(await openTestRedis(user)).url)
  // The gateway may not even choose a database.
  if (user === 'gateway') url.pathname = ''
  const client = createClient({ url: url.href })
  await client.connect()
  owned.defer(() => client.destroy())
  return client
}

it('the gateway may read the pages that services keep, and no more', async () => {
  await gateway.get('profile:profile:1')
  await gateway.lRange('feed:timeline:1', 0, -1)
  await gateway.get('feed:celebrities:1')
  await gateway.lRange('feed:author:1', 0, -1)
  await gateway.mGet(['feed:post:1', 'feed:counts:1'])
  await gateway.xRead({ key: 'events:auth', id: '0' })
  for (const forbidden of [
    () => gateway.get('profile:followers:1'),
    () => gateway.get('auth:session:1'),
    () => gateway.set('profile:profile:1', 'mine'),
    () => gateway.del('profile:profile:1'),
    () => gateway.hGetAll('feed:liked:1'),
    () => gateway.get('feed:following:1'),
    () => gateway.lRem('feed:timeline:1', 1, 'x'),
    () => gateway.expire('feed:timeline:1', 1),
    () => gateway.xRead({ key: 'events:feed', id: '0' }),
    () => gateway.keys('*'),
    () => gateway.xRange('events:auth', '-', '+'),
    () => gateway.publish('events:auth', 'x'),
  ]) {
    await expect(forbidden(), String(forbidden)).rejects.toThrow('NOPERM')
  }
})

it('a service may use its own keys, and read all streams but append to its own only', async () => {
  await profile.set('profile:profile:1', '{}')
  await profile.xRange('events:auth', '-', '+')
  await profile.xAdd('events:profile', '*', { type: 'x' })
  for (const forbidden of [
    () => profile.get('auth:session:1'),
    () => profile.xAdd('events:auth', '*', { type: 'x' }),
    () => profile.flushAll(),
  ]) {
    await expect(forbidden(), String(forbidden)).rejects.toThrow('NOPERM')
  }
})

it('messaging speaks to its other process on channels of its own', async () => {
  await messaging.publish('messaging:live', '{}')
  await messaging.zAdd('messaging:presence:1', { score: 1, value: 'socket' })
  await messaging.eval("return redis.call('zcard', KEYS[1])", { keys: ['messaging:presence:1'] })
  const listener = messaging.duplicate()
  await listener.connect()
  owned.defer(() => listener.destroy())
  await listener.subscribe('messaging:live', () => undefined)
  for (const forbidden of [
    () => messaging.publish('feed:live', 'x'),
    () => profile.publish('messaging:live', 'x'),
    () => profile.zRange('messaging:presence:1', 0, -1),
  ]) {
    await expect(forbidden(), String(forbidden)).rejects.toThrow('NOPERM')
  }
})

it('media reads the events of feed in a group of its own, and appends to its own', async () => {
  await media.xGroupCreate('events:media', 'media', '$', { MKSTREAM: true })
  await media.xAdd('events:media', '*', { type: 'x' })
  await media.xReadGroup('media', 'a', { key: 'events:media', id: '>' })
  await expect(media.xAdd('events:feed', '*', { type: 'x' })).rejects.toThrow('NOPERM')
})
