import type { AddressInfo } from 'node:net'
import { audience, createIdentityReader, issuer } from '@clew/kit/identity'
import { listen } from '@clew/kit/lifecycle'
import { createLogger } from '@clew/kit/log'
import { openRedis } from '@clew/kit/redis'
import { openTestRedis } from '@clew/tests/service-database'
import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { createApp, type Deps } from '../src/app.ts'
import { createPageFinder, createTimelineFinder } from '../src/stale.ts'

const id = '019aa3f0-0000-7000-8000-000000000001'

async function start(deps: Partial<Deps>) {
  const log = createLogger('test')
  log.level = 'silent'
  const none = async () => undefined
  const nothing = { services: {}, stats: async () => ({}), findPage: none, findTimeline: none, log }
  const server = await listen(createApp({ ...nothing, ...deps }), 0, '127.0.0.1')
  const { port } = server.address() as AddressInfo
  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers })
  return Object.assign(server, { ask })
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

describe('the first page of a timeline', () => {
  const revoked = new Set<string>()

  /** `ask` is with the token of the person with this id, unless another header is given. */
  async function startWithKeys() {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] })
    const revocations = { has: (session: string) => revoked.has(session), current: () => true }
    const identity = createIdentityReader(keys, revocations, async () => true)
    const read = async (reader: string, limit: number) => `{"of":"${reader}","limit":${limit}}`
    const server = await start({ findTimeline: createTimelineFinder(identity, { read }) })
    const sign = (sub: string, expiresIn = 60) =>
      new SignJWT({ sub, sid: `session of ${sub}`, iss: issuer, aud: audience })
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresIn)
        .sign(privateKey)
    const { ask: askWith } = server
    const ask = async (path: string, token?: string) =>
      askWith(path, { authorization: `Bearer ${token ?? (await sign(id))}`, 'x-trace-id': 'ab' })
    return Object.assign(server, { ask, sign })
  }

  test.each([
    ['', 20],
    ['?limit=50', 50],
    ['?limit=1&order=newest&page=1&unknown=1', 1],
  ])('is given to whose it is, with%s', async (query, limit) => {
    await using server = await startWithKeys()
    for (const path of ['/stale/api/timeline', '/stale/api/feed/timeline']) {
      const answer = await server.ask(`${path}/${id}${query}`)
      expect([answer.status, answer.headers.get('x-cache')]).toEqual([200, 'stale'])
      expect(await answer.json()).toEqual({ of: id, limit })
    }
  })

  test.each(['cursor=abc', 'page=2', 'order=ranked', 'limit=0', 'limit=51', 'limit=x', 'order=x'])(
    'is the only one: not with %s',
    async (query) => {
      await using server = await startWithKeys()
      expect((await server.ask(`/stale/api/timeline/${id}?${query}`)).status).toBe(404)
    },
  )

  test('is given to nobody else', async () => {
    await using server = await startWithKeys()
    const path = `/stale/api/timeline/${id}`
    const other = '019aa3f0-0000-7000-8000-000000000002'
    const refused = await server.ask(path, await server.sign(other))
    expect(refused.status).toBe(403)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(await refused.json()).toMatchObject({ status: 403, trace_id: 'ab' })
    for (const token of ['x', await server.sign(id, -60)]) {
      const answer = await server.ask(path, token)
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    }
    revoked.add(`session of ${id}`)
    expect((await server.ask(path)).status).toBe(401)
    revoked.clear()
    expect((await server.ask(path)).status).toBe(200)
  })
})
