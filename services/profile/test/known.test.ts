import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Service, startService } from './service.ts'

let service: Service

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service[Symbol.asyncDispose]())

function ask(body: unknown): Promise<Answer> {
  return service.ask('POST', '/internal/users/known', { body })
}

test('those who exist, each once, in one statement', async () => {
  const [alice, bob] = [await service.person(), await service.person()]
  const answer = await ask({ ids: [bob.id, uuid(), alice.id, bob.id, alice.id.toUpperCase()] })
  expect(answer.status).toBe(200)
  expect(answer.body.ids.sort()).toEqual([alice.id, bob.id].sort())
  expect(await service.spanNames(answer)).toEqual(['POST /internal/users/known', 'SELECT profiles'])
})

test('a thousand at once', async () => {
  const { id } = await service.person()
  const ids = [...Array.from({ length: 999 }, () => uuid()), id]
  expect(await ask({ ids })).toMatchObject({ status: 200, body: { ids: [id] } })
  expect(await ask({ ids: ids.slice(0, 999) })).toMatchObject({ status: 200, body: { ids: [] } })
})

test.each([
  ['none', { ids: [] }, 422],
  ['1,001', { ids: Array.from({ length: 1_001 }, () => uuid()) }, 422],
  ['what is no id', { ids: ['alice'] }, 422],
  ['no list', { ids: uuid() }, 422],
  ['an unknown field', { ids: [uuid()], names: [] }, 422],
  ['a list', [], 400],
])('%s', async (_what, body, status) => {
  expect((await ask(body)).status).toBe(status)
})
