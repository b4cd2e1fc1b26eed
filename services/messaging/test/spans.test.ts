import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Person, type Service, startService } from './service.ts'

const list = '/api/messages/conversations'
const announce = ['publish messaging:live', 'PUBLISH live']
const stored = [
  'BEGIN',
  'UPDATE conversations',
  'INSERT messages',
  'publish events:messaging',
  'INSERT outbox',
  'COMMIT',
]

let service: Service
let ada: Person
let bob: Person
let direct: string
beforeAll(async () => {
  service = await startService()
  ada = await service.person()
  bob = await service.person()
  direct = (await service.send(ada, { to: bob.id })).body.conversation_id
})
afterAll(() => service[Symbol.asyncDispose]())

const get = (path: string) => service.ask('GET', path, { token: ada.token })
const post = (path: string, body: object) => service.ask('POST', path, { token: ada.token, body })
const names = async (answer: Answer) => (await service.spanNames(answer)).slice(1)

test('to send, to a conversation and to a person one has written to', async () => {
  const expected = ['POST /api/messages', 'EVAL limit', ...stored, ...announce]
  expect(await service.spanNames(await service.send(ada, { conversation_id: direct }))).toEqual(
    expected,
  )
  expect(await service.spanNames(await service.send(ada, { to: bob.id }))).toEqual(expected)
})

test('each hangs below what caused it, and says who asked', async () => {
  const answer = await service.send(ada, { to: bob.id })
  const server = await service.serverSpan(answer)
  const spans = service.spans().filter((span) => span.traceId === server.traceId)
  const nameOf = (id: string) => spans.find((span) => span.id === id)?.name
  const parents = spans.map((span) => [span.name, span.kind, nameOf(span.parentId)])
  expect(parents).toContainEqual(['INSERT outbox', 'CLIENT', 'publish events:messaging'])
  expect(parents).toContainEqual(['publish events:messaging', 'PRODUCER', 'POST /api/messages'])
  expect(parents).toContainEqual(['UPDATE conversations', 'CLIENT', 'POST /api/messages'])
  expect(parents).toContainEqual(['PUBLISH live', 'CLIENT', 'publish messaging:live'])
  expect(server.attributes['user.id']?.value).toBe(ada.id)
  expect(server.attributes['http.response.status_code']?.value).toBe(201)
})

test('the first between two, and the first that this process sees of two', async () => {
  const carl = await service.person()
  expect(await names(await service.send(ada, { to: carl.id }))).toEqual([
    'EVAL limit',
    ...['BEGIN', 'SELECT conversations', 'COMMIT'],
    'POST /internal/users/known',
    'BEGIN',
    'INSERT conversations',
    'INSERT members',
    ...stored.slice(1),
    ...announce,
  ])
  expect(await names(await service.send(carl, { to: ada.id }))).toEqual([
    'EVAL limit',
    ...['BEGIN', 'SELECT conversations', 'COMMIT'],
    ...stored,
    ...announce,
  ])
})

test('to send again, and to be refused', async () => {
  const message = { to: bob.id, client_id: uuid() }
  await service.send(ada, message)
  const refused = ['EVAL limit', 'BEGIN', 'UPDATE conversations']
  expect(await names(await service.send(ada, message))).toEqual([
    ...refused,
    'INSERT messages',
    'SELECT messages',
    'ROLLBACK',
    ...announce,
  ])
  const { body } = await service.send(bob, { to: (await service.person()).id })
  const answer = await service.send(ada, { conversation_id: body.conversation_id })
  expect(await names(answer)).toEqual([...refused, 'ROLLBACK'])
  const spans = service.spans().filter((span) => span.traceId === answer.headers.get('x-trace-id'))
  expect(spans.map((span) => span.status)).toEqual(Array(5).fill('unset'))
})

test('to read', async () => {
  const one = (await get(`/api/messages/${direct}?limit=1`)).body.messages[0]
  const mark = await post(`/api/messages/${direct}/read`, { message_id: one.id })
  const again = await post(`/api/messages/${direct}/read`, { message_id: one.id })
  const moved = ['BEGIN', 'UPDATE members', 'SELECT members', 'COMMIT']
  expect(await service.spanNames(mark)).toEqual([
    'POST /api/messages/{conversation_id}/read',
    ...moved,
    ...announce,
  ])
  expect(await names(again)).toEqual(moved)
  expect(await service.spanNames(await get(`/api/messages/${direct}`))).toEqual([
    'GET /api/messages/{conversation_id}',
    'BEGIN',
    'SELECT messages',
    'COMMIT',
  ])
  expect(await service.spanNames(await get(list))).toEqual([
    `GET ${list}`,
    'BEGIN',
    'SELECT conversations',
    'COMMIT',
  ])
  expect(await names(await get(`${list}/${direct}`))).toEqual([
    'BEGIN',
    'SELECT conversations',
    'COMMIT',
  ])
})

test('to make a group, to bring somebody and to take them out', async () => {
  const carl = await service.person()
  const made = await post(list, { members: [bob.id] })
  expect(await service.spanNames(made)).toEqual([
    `POST ${list}`,
    ...['BEGIN', 'INSERT conversations', 'INSERT members', 'SELECT conversations', 'COMMIT'],
  ])
  const members = `${list}/${made.body.id}/members`
  expect(await service.spanNames(await post(members, { user_ids: [carl.id] }))).toEqual([
    `POST ${list}/{id}/members`,
    'POST /internal/users/known',
    ...['BEGIN', 'SELECT conversations', 'INSERT members', 'SELECT conversations', 'COMMIT'],
  ])
  const options = { token: ada.token }
  const gone = await service.ask('DELETE', `${members}/${carl.id}`, options)
  expect(await service.spanNames(gone)).toEqual([
    `DELETE ${list}/{id}/members/{user_id}`,
    ...['BEGIN', 'SELECT conversations', 'DELETE members', 'COMMIT'],
  ])
  const left = await service.ask('DELETE', `${members}/${ada.id}`, options)
  expect(await names(left)).toEqual([
    ...['BEGIN', 'SELECT conversations', 'SELECT hand_over', 'DELETE members', 'COMMIT'],
  ])
})

test('why a token was refused is on the span', async () => {
  const answer = await service.ask('GET', list, { token: 'a.b.c' })
  const { attributes } = await service.serverSpan(answer)
  expect(attributes['clew.refusal']?.value).toMatch(/^ERR_/)
})

test('nothing that anybody wrote is on a span or in a log', async () => {
  await service.send(ada, { to: bob.id, body: 'Zanzibar' })
  await post(list, { members: [bob.id], title: 'Xylophone' })
  await service.spanNames(await service.send(ada, { conversation_id: uuid(), body: 'Quagmire' }))
  const text = JSON.stringify([service.spans(), service.logs()], (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  for (const secret of ['Zanzibar', 'Xylophone', 'Quagmire']) expect(text).not.toContain(secret)
})
