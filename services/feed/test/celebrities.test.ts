import { createClient } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Person, type Service, startService } from './service.ts'
import { cacheOf, createVillage, idsOf } from './village.ts'

vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '2000'
})

const stack = new AsyncDisposableStack()
let service: Service
let village: ReturnType<typeof createVillage>

beforeAll(async () => {
  service = stack.use(await startService())
  village = createVillage(service)
})
afterAll(() => stack.disposeAsync())

test('who follows more than thirty celebrities sees all of them, the last of them for a minute', async () => {
  const reader = await service.person()
  const celebrities: Person[] = Array.from({ length: 33 }, () => ({
    id: uuid(),
    username: 'celebrity',
    token: '',
  }))
  const posts: string[] = []
  for (const celebrity of celebrities) posts.push(...(await village.posts(celebrity, 2)))
  await service.owner.query('update authors set celebrity = true where id = any($1)', [
    celebrities.map(({ id }) => id),
  ])
  village.follow(reader, celebrities)
  // Each post is a minute newer than all before it.
  const newest = posts.reverse()

  const missed = await village.read(reader, '?limit=50')
  expect(idsOf(missed)).toEqual(newest.slice(0, 50))
  // What the first read finds cold, the second has filled.
  await village.read(reader, '?limit=50')
  const hit = await village.read(reader, '?limit=50')
  expect([idsOf(hit), cacheOf(hit)]).toEqual([newest.slice(0, 50), 'hit'])
  expect(idsOf(...(await village.walk(`/api/timeline/${reader.id}`, reader)))).toEqual(newest)

  const redis = createClient({ url: service.redisUrl })
  await redis.connect()
  const [merged, left] = await Promise.all([
    redis.get(`feed:celebrities:${reader.id}`),
    redis.pTTL(`feed:timeline:${reader.id}`),
  ])
  redis.destroy()
  expect(merged).toHaveLength(30 * 36 + 1)
  expect(left).toBeLessThanOrEqual(66_000)
})
