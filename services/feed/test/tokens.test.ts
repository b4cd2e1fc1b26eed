import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Person, type Service, startService } from './service.ts'

let service: Service
let person: Person
let routes: [method: string, path: string][]

beforeAll(async () => {
  service = await startService()
  person = await service.person()
  const { body } = await service.ask('GET', '/openapi.json')
  routes = Object.entries<object>(body.paths)
    .filter(([path]) => path.startsWith('/api/'))
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method): [string, string] => [
        method.toUpperCase(),
        path.replace('{user_id}', person.id).replace('{id}', uuid()),
      ]),
    )
})
afterAll(() => service[Symbol.asyncDispose]())

const bad: Record<string, () => Promise<string> | string> = {
  expired: async () => `Bearer ${await service.auth.sign({ sub: person.id }, { expires: 1 })}`,
  'of another issuer': async () =>
    `Bearer ${await service.auth.sign({ sub: person.id }, { issuer: 'other' })}`,
  'of an unknown key': async () =>
    `Bearer ${await service.auth.sign({ sub: person.id }, { kid: 'k9' })}`,
  'of another scheme': () => 'Basic YTpi',
  'no token at all': () => 'Bearer x',
  empty: () => '',
}

test.each(Object.keys(bad))(
  'a token that is %s is refused by every route, with no hint why',
  async (kind) => {
    const authorization = await bad[kind]!()
    expect(routes.length).toBeGreaterThan(10)
    for (const [method, path] of routes) {
      const answer = await service.ask(method, path, { headers: { authorization } })
      expect([method, path, answer.status]).toEqual([method, path, 401])
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(answer.body.detail).toBe('A valid access token is needed.')
    }
  },
)

test('who asks is on the span of the request, and why a token was refused', async () => {
  const path = `/api/timeline/${person.id}`
  const good = await service.serverSpan(await service.ask('GET', path, { token: person.token }))
  expect(good.attributes['user.id']?.value).toBe(person.id)
  const refused = await service.serverSpan(await service.ask('GET', path, { token: 'x.y.z' }))
  expect(refused.attributes['clew.refusal']?.value).toBe('ERR_JWS_INVALID')
})

test('without news from Redis auth is asked about a token', async () => {
  const revoked = await service.auth.sign({ sub: person.id })
  service.auth.revoked.add(revoked)
  const read = async () =>
    (await service.ask('GET', `/api/timeline/${person.id}`, { token: revoked })).status
  expect(await read()).toBe(200)
  service.redis.cut()
  await expect.poll(read).toBe(401)
  expect(service.auth.asked).toContain('/api/validate/token')
})
