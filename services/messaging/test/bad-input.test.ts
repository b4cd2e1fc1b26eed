import { writeCursor } from '@clew/kit/cursor'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Person, type Service, startService } from './service.ts'

let service: Service
let ada: Person
let bob: Person
let direct: string
let group: string
beforeAll(async () => {
  service = await startService()
  ada = await service.person()
  bob = await service.person()
  direct = (await service.send(ada, { to: bob.id })).body.conversation_id
  group = await service.group(ada, bob)
})
afterAll(() => service[Symbol.asyncDispose]())

const list = '/api/messages/conversations'
const fill = (path: string) => path.replace('{direct}', direct).replace('{group}', group)

describe('bodies', () => {
  const cases: [path: string, body: () => unknown, status: number, ...fields: string[]][] = [
    ['/api/messages', () => '{"to":', 400],
    ['/api/messages', () => '[]', 400],
    ['/api/messages', () => Buffer.from([0x22, 0xff, 0x22]), 400],
    ['/api/messages', () => '"x"'.padEnd(70_000), 413],
    ['/api/messages', () => ({}), 422, 'body', 'client_id'],
    ['/api/messages', () => ({ body: 'x', client_id: 'c' }), 422, 'to'],
    ['/api/messages', () => ({ to: bob.id, body: 'x', client_id: 'c', from: 'me' }), 422, 'from'],
    ['/api/messages', () => ({ to: bob.id, body: 'x'.repeat(4_097), client_id: 'c' }), 422, 'body'],
    ['/api/messages', () => ({ to: bob.id, body: '\u0000', client_id: 'c' }), 422, 'body'],
    ['/api/messages', () => ({ to: bob.id, body: '\t ', client_id: 'c' }), 422, 'body'],
    ['/api/messages', () => ({ to: "' or 1=1", body: 'x', client_id: 'c' }), 422, 'to'],
    ['/api/messages', () => ({ conversation_id: uuid(), body: 'x', client_id: 'c' }), 404],
    ['/api/messages', () => ({ to: { $ne: 1 }, body: 'x', client_id: 'c' }), 422, 'to'],
    [list, () => ({}), 422, 'members'],
    [list, () => ({ members: [] }), 422, 'members'],
    [list, () => ({ members: 'bob' }), 422, 'members'],
    [list, () => ({ members: ['bob'] }), 422, 'members.0'],
    [list, () => ({ members: [bob.id, bob.id] }), 422, 'members'],
    [list, () => ({ members: [bob.id], title: '' }), 422, 'title'],
    [list, () => ({ members: [bob.id], title: 't'.repeat(81) }), 422, 'title'],
    [list, () => ({ members: Array.from({ length: 1_000 }, () => uuid()) }), 422, 'members'],
    [list, () => ({ members: [bob.id], kind: 'direct' }), 422, 'kind'],
    [`${list}/{group}/members`, () => ({ user_ids: [] }), 422, 'user_ids'],
    [`${list}/{group}/members`, () => ({ user_ids: [uuid()] }), 422, 'user_ids.0'],
    [`${list}/no-id/members`, () => ({ user_ids: [bob.id] }), 404],
    [`${list}/${uuid()}/members`, () => ({ user_ids: [bob.id] }), 404],
    ['/api/messages/{direct}/read', () => ({}), 422, 'message_id'],
    ['/api/messages/{direct}/read', () => ({ message_id: 5 }), 422, 'message_id'],
    ['/api/messages/no-id/read', () => ({ message_id: uuid() }), 404],
  ]
  test.each(cases)('to %s: %s', async (path, body, status, ...fields) => {
    const options = {
      token: ada.token,
      body: body(),
      headers: { 'content-type': 'application/json' },
    }
    const answer = await service.ask('POST', fill(path), options)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.body).toMatchObject({ status, trace_id: answer.headers.get('x-trace-id') })
    const named = (answer.body.errors ?? []).map(({ field }: { field: string }) => field)
    expect([...new Set(named)].sort()).toEqual(fields.sort())
  })

  test('of another type are refused', async () => {
    const { status } = await service.ask('POST', '/api/messages', {
      token: ada.token,
      body: 'to=bob',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(status).toBe(415)
  })
})

describe('paths and queries', () => {
  const cases: [method: string, path: string, status: number][] = [
    ['GET', `${list}?limit=0`, 422],
    ['GET', `${list}?limit=51`, 422],
    ['GET', `${list}?limit=many`, 422],
    ['GET', `${list}?limit=1&limit=2`, 422],
    ['GET', `${list}?cursor=x`, 400],
    ['GET', `${list}?cursor=`, 400],
    ['GET', `${list}?unknown=fine`, 200],
    ['GET', '/api/messages/{direct}?limit=101', 422],
    ['GET', '/api/messages/{direct}?cursor=%00', 400],
    ['GET', '/api/messages/no-id', 404],
    ['GET', `/api/messages/${uuid()}`, 404],
    ['GET', '/api/messages/%E0%A4%A', 400],
    ['GET', `${list}/no-id`, 404],
    ['GET', `${list}/${uuid()}`, 404],
    ['DELETE', `${list}/{group}/members/no-id`, 404],
    ['DELETE', `${list}/{group}/members/${uuid()}`, 404],
    ['DELETE', `${list}/${uuid()}/members/${uuid()}`, 404],
    ['PUT', '/api/messages', 404],
    ['GET', '/api/messages/', 404],
    ['GET', '/API/messages/conversations', 404],
  ]
  test.each(cases)('%s %s: %i', async (method, path, status) => {
    const answer = await service.ask(method, fill(path), { token: ada.token })
    expect(answer.status).toBe(status)
  })

  test('a cursor of another list, or of somebody else, is refused', async () => {
    const ask = (path: string, name: string) => {
      const cursor = writeCursor(name, uuid())
      return service.ask('GET', `${path}?cursor=${cursor}`, { token: ada.token })
    }
    expect((await ask(list, `conversations:${ada.id}`)).status).toBe(200)
    expect((await ask(list, `conversations:${bob.id}`)).status).toBe(400)
    expect((await ask(list, `messages:${direct}`)).status).toBe(400)
    expect((await ask(`/api/messages/${direct}`, `messages:${direct}`)).status).toBe(200)
    expect((await ask(`/api/messages/${direct}`, `messages:${group}`)).status).toBe(400)
  })

  test('an id in capitals is the same id', async () => {
    const path = `/api/messages/${direct.toUpperCase()}`
    expect((await service.ask('GET', path, { token: ada.token })).status).toBe(200)
  })
})
