import type { AddressInfo } from 'node:net'
import { listen } from '@clew/kit/lifecycle'
import { createLogger } from '@clew/kit/log'
import { openRedis } from '@clew/kit/redis'
import { openTestRedis } from '@clew/tests/service-database'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import { createApp, type Deps } from '../src/app.ts'
import { createPageFinder } from '../src/stale.ts'

const id = '019aa3f0-0000-7000-8000-000000000001'

async function start(deps: Partial<Deps>) {
  const log = createLogger('test')
  log.level = 'silent'
  const nothing = { services: {}, stats: async () => ({}), findPage: async () => undefined, log }
  const server = await listen(createApp({ ...nothing, ...deps }), 0, '127.0.0.1')
  const { port } = server.address() as AddressInfo
  return Object.assign(server, { ask: (path: string) => fetch(`http://127.0.0.1:${port}${path}`) })
}

test('what goes wrong with one request is its own 500', async () => {
  await using server = await start({ stats: () => Promise.reject(new Error('closed')) })
  expect((await server.ask('/stats')).status).toBe(500)
  expect((await server.ask('/livez')).status).toBe(200)
})

test('a page is what profile wrote, but not the marks it leaves beside pages', async () => {
  await using stored = await openTestRedis('profile')
  await using redis = await openRedis(stored.url)
  const client = createClient({ url: stored.url })
  await client.connect()
  await using server = await start({ findPage: createPageFinder(redis) })
  for (const [text, status] of [
    ['{"username":"ada"}', 200],
    ['-', 404],
    ['?a-claim', 404],
  ] as const) {
    await client.set(`profile:profile:${id}`, text)
    const answer = await server.ask(`/stale/api/users/${id}`)
    expect([answer.status, answer.headers.get('x-cache')]).toEqual(
      status === 200 ? [200, 'stale'] : [404, null],
    )
    if (answer.ok) expect(await answer.text()).toBe(text)
  }
  await client.close()
})

test('no page while Redis is away', async () => {
  await using redis = await openRedis('redis://127.0.0.1:1')
  await using server = await start({ findPage: createPageFinder(redis) })
  expect((await server.ask(`/stale/api/users/${id}`)).status).toBe(404)
})
