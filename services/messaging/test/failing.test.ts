import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFacts } from './facts.ts'
import { type Person, type Service, startService, waitUntil } from './service.ts'

let service: Service
let ada: Person
let bob: Person
let direct: string
beforeAll(async () => {
  service = await startService({ env: { CLEW_REDIS_PATIENCE_MS: '50' } })
  ada = await service.person()
  bob = await service.person()
  direct = (await service.send(ada, { to: bob.id })).body.conversation_id
})
afterAll(() => service[Symbol.asyncDispose]())

const ready = async () => (await service.ask('GET', '/readyz')).status

test('without Redis messages are stored, and stated when it is back', async () => {
  service.redis.cut()
  const sent = []
  try {
    for (let index = 0; index < 3; index++) sent.push(await service.send(ada, { to: bob.id }))
    expect(await ready()).toBe(200)
  } finally {
    service.redis.mend()
  }
  expect(sent.map(({ status }) => status)).toEqual([201, 201, 201])
  const { body } = await service.ask('GET', `/api/messages/${direct}`, { token: bob.token })
  const ids = body.messages.map(({ id }: { id: string }) => id)
  expect(ids.slice(0, 3)).toEqual(sent.map((answer) => answer.body.id).reverse())
  const facts = await readFacts(service, direct, 4)
  expect(facts).toHaveLength(4)
})

test('without Redis nobody sends more than twenty a second either', async () => {
  service.redis.cut()
  try {
    const sent = await Promise.all(
      Array.from({ length: 60 }, () => service.send(bob, { conversation_id: direct })),
    )
    expect(sent.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(10)
  } finally {
    service.redis.mend()
  }
})

test('without Postgres everything is answered 503, and nothing is stored', async () => {
  const client_id = uuid()
  service.database.cut()
  try {
    for (const answer of [
      await service.send(ada, { to: bob.id, client_id }),
      await service.ask('GET', `/api/messages/${direct}`, { token: ada.token }),
      await service.ask('GET', '/api/messages/conversations', { token: ada.token }),
    ]) {
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('1')
    }
    expect(await ready()).toBe(503)
  } finally {
    service.database.mend()
  }
  await waitUntil(async () => (await ready()) === 200)
  expect((await service.send(ada, { to: bob.id, client_id })).status).toBe(201)
})
