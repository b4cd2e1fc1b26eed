import { createBus } from '@clew/kit/bus'
import { openRedis, type Redis } from '@clew/kit/redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Service, startService, waitUntil } from './service.ts'

let service: Service
let redis: Redis

beforeAll(async () => {
  service = await startService()
  redis = await openRedis(service.authRedisUrl)
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await service[Symbol.asyncDispose]()
})

function register(person: object, carrier = {}) {
  const fact = { id: uuid(), type: 'user.registered', payload: person, carrier }
  return createBus(redis).append('events:auth', [fact])
}

function makePerson(username = 'somebody') {
  const created_at = '2026-11-21T09:00:00.000Z'
  return { user_id: uuid(), username, display_name: username, created_at }
}

function call({ user_id, username, created_at }: ReturnType<typeof makePerson>) {
  const body = { user_id, username, created_at }
  return service.ask('POST', '/internal/profiles', { body })
}

function read(person: { user_id: string }) {
  return service.ask('GET', `/api/users/${person.user_id}`)
}

async function exists(person: { user_id: string }) {
  return (await read(person)).status === 200
}

test('the call makes a profile once', async () => {
  const person = makePerson()
  const made = await call(person)
  expect(made).toMatchObject({ status: 201, body: person })
  expect(await call({ ...person, username: 'other' })).toMatchObject({
    status: 200,
    body: made.body,
  })
})

test('a profile is seen at once by who had asked before there was one', async () => {
  const person = makePerson()
  expect((await read(person)).status).toBe(404)
  expect(await read(person)).toMatchObject({ status: 404 })
  await call(person)
  expect((await read(person)).status).toBe(200)
})

test('the event makes the profile that was not made, and none twice', async () => {
  const person = makePerson()
  await register(person)
  await waitUntil(() => exists(person))
  await register({ ...person, username: 'other' })
  const next = makePerson()
  await register(next)
  await waitUntil(() => exists(next))
  expect((await read(person)).body).toMatchObject(person)
})

test('the event goes on in the trace of the registration', async () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const parent = 'b7ad6b7169203331'
  await register(makePerson(), { traceparent: `00-${trace}-${parent}-01` })
  const spans = () => service.spans().filter((span) => span.traceId === trace)
  await waitUntil(() => spans().some((span) => span.kind === 'CONSUMER'))
  const process = spans().find((span) => span.kind === 'CONSUMER')!
  expect(process).toMatchObject({ name: 'process events:auth', parentId: parent, status: 'unset' })
  expect(spans().map((span) => span.name)).toEqual([
    'process events:auth',
    'INSERT profiles',
    'DEL profile',
  ])
})

test('an event that means nothing does not stand in the way of the next', async () => {
  await register({ user_id: 'nobody' })
  const person = makePerson()
  await register(person)
  await waitUntil(() => exists(person))
})

test('events that come while Postgres or Redis is away are handled afterwards', async () => {
  const [first, second] = [makePerson(), makePerson()]
  service.database.cut()
  await register(first)
  service.redis.cut()
  await register(second)
  service.database.mend()
  service.redis.mend()
  await waitUntil(() => exists(first))
  await waitUntil(() => exists(second))
})

test.each<[string, object, string]>([
  ['no id', { user_id: undefined }, 'user_id'],
  ['a broken id', { user_id: 'x' }, 'user_id'],
  ['no name', { username: '' }, 'username'],
  ['a null byte', { username: 'a\0' }, 'username'],
  ['a broken time', { created_at: 'yesterday' }, 'created_at'],
  ['an unknown field', { admin: true }, 'admin'],
])('a call with %s is refused', async (_, over, field) => {
  const { display_name, ...person } = makePerson()
  const answer = await service.ask('POST', '/internal/profiles', { body: { ...person, ...over } })
  expect(answer.status).toBe(422)
  expect(answer.body.errors[0].field).toBe(field)
})
