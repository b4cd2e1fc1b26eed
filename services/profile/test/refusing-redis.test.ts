import { createClient, type RedisClientType } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Service, startService, waitUntil } from './service.ts'

// A Redis that answers, but will not drop anything: a user who may do all but that.
const user = `profile_${process.pid}`
let service: Service
let admin: RedisClientType

beforeAll(async () => {
  admin = createClient({ url: readAdminUrl() })
  await admin.connect()
  await admin.aclSetUser(user, ['on', `>${user}`, '~*', '&*', '+@all'])
  service = await startService({ redisUser: user })
})
afterAll(async () => {
  await service[Symbol.asyncDispose]()
  await admin.aclDelUser(user)
  admin.destroy()
})

function readAdminUrl(): string {
  return JSON.parse(process.env.CLEW_TEST_PLATFORM ?? '{}').redis
}

test('a change is made though the cache refuses to drop the old answer, which is shown no more', async () => {
  const { id, token } = await service.person()
  const read = () => service.ask('GET', `/api/users/${id}`)
  await read()
  expect((await read()).headers.get('x-cache')).toBe('hit')

  await admin.aclSetUser(user, '-del')
  const body = { display_name: 'after' }
  const changed = await service.ask('POST', `/api/users/${id}/profile`, { token, body })
  expect(changed.status).toBe(200)
  // The answer's own try, and the first of those that follow it.
  const refusals = () => service.logs().filter(({ msg }) => msg === 'cache not dropped').length
  await waitUntil(() => refusals() > 1)
  const seen = await read()
  expect([seen.body.display_name, seen.headers.get('x-cache')]).toEqual(['after', 'miss'])

  await admin.aclSetUser(user, '+del')
  await waitUntil(async () => (await read()).headers.get('x-cache') === 'hit')
  expect((await read()).body.display_name).toBe('after')
})
