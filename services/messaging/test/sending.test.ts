import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFacts } from './facts.ts'
import { type Person, type Service, startService } from './service.ts'

let service: Service
let ada: Person
let bob: Person
beforeAll(async () => {
  service = await startService()
  ada = await service.person()
  bob = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

async function history(person: Person, conversationId: string) {
  const path = `/api/messages/${conversationId}?limit=100`
  return (await service.ask('GET', path, { token: person.token })).body
}

describe('a first message', () => {
  test('begins a conversation that both see', async () => {
    const carl = await service.person()
    const sent = await service.send(carl, { to: bob.id, body: 'hello' })
    expect(sent.status).toBe(201)
    expect(sent.body).toEqual({
      id: expect.any(String),
      conversation_id: expect.any(String),
      sender_id: carl.id,
      body: 'hello',
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      client_id: expect.any(String),
    })
    const page = { messages: [sent.body], count: 1, next_cursor: null }
    expect(await history(carl, sent.body.conversation_id)).toEqual(page)
    expect(await history(bob, sent.body.conversation_id)).toEqual(page)
  })

  test('from both at once begins one', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, two] = [await service.person(), await service.person()]
      const sent = await Promise.all([
        service.send(one, { to: two.id }),
        service.send(two, { to: one.id }),
        service.send(one, { to: two.id }),
      ])
      expect(sent.map(({ status }) => status)).toEqual([201, 201, 201])
      expect(new Set(sent.map(({ body }) => body.conversation_id)).size).toBe(1)
    }
  })

  test('is refused to oneself and to nobody', async () => {
    const self = await service.send(ada, { to: ada.id })
    expect(self.status).toBe(422)
    expect(self.body.errors).toEqual([{ field: 'to', message: 'must be somebody else' }])
    expect((await service.send(ada, { to: uuid() })).status).toBe(404)
  })

  test('waits for profile; between people who know each other none does', async () => {
    const [one, two] = [await service.person(), await service.person()]
    await service.send(ada, { to: bob.id })
    service.profile.cut()
    try {
      const refused = await service.send(one, { to: two.id })
      expect(refused.status).toBe(503)
      expect(refused.headers.get('retry-after')).toBe('1')
      expect((await service.send(ada, { to: bob.id })).status).toBe(201)
      expect((await service.send(bob, { to: ada.id })).status).toBe(201)
    } finally {
      service.profile.mend()
    }
  })

  test('asks profile about a person once', async () => {
    const [one, two] = [await service.person(), await service.person()]
    await service.send(one, { to: two.id })
    const three = await service.person()
    await service.send(three, { to: two.id })
    const asked = service.profile.asked.flat().filter((id) => id === two.id)
    expect(asked).toHaveLength(1)
  })
})

describe('a message that is sent again', () => {
  test('is stored once, and stated once', async () => {
    const { body: first } = await service.send(ada, { to: (await service.person()).id })
    const message = { conversation_id: first.conversation_id, body: 'once', client_id: uuid() }
    const sent = await service.send(ada, message)
    const again = await service.send(ada, { ...message, body: 'twice' })
    expect([sent.status, again.status]).toEqual([201, 200])
    expect(again.body).toEqual(sent.body)
    await service.send(ada, { conversation_id: first.conversation_id, body: 'last' })
    const { messages } = await history(ada, first.conversation_id)
    expect(messages.map(({ body }: { body: string }) => body)).toEqual(['last', 'once', 'hello'])
    const facts = await readFacts(service, first.conversation_id, 3)
    expect(facts.map(([type]) => type)).toEqual(Array(3).fill('message.sent'))
    expect(facts[1]?.[1]).toEqual({
      message_id: sent.body.id,
      conversation_id: first.conversation_id,
      sender_id: ada.id,
    })
  })

  test('many times at once is stored once', async () => {
    const message = { to: bob.id, client_id: uuid() }
    const sent = await Promise.all(Array.from({ length: 8 }, () => service.send(ada, message)))
    expect(sent.map(({ status }) => status).sort()).toEqual([...Array(7).fill(200), 201])
    expect(new Set(sent.map(({ body }) => body.id)).size).toBe(1)
  })

  test('does not move its conversation up', async () => {
    const one = await service.person()
    const message = { to: bob.id, client_id: uuid() }
    const { body: old } = await service.send(one, message)
    const { body: recent } = await service.send(one, { to: ada.id })
    await service.send(one, message)
    const { body } = await service.ask('GET', '/api/messages/conversations', { token: one.token })
    const ids = body.conversations.map(({ id }: { id: string }) => id)
    expect(ids).toEqual([recent.conversation_id, old.conversation_id])
  })

  test('to somebody else is refused, and shown to nobody', async () => {
    const client_id = uuid()
    await service.send(ada, { to: bob.id, client_id })
    const carl = await service.person()
    const { status, body } = await service.send(ada, { to: carl.id, client_id })
    expect(status).toBe(409)
    expect(body.trace_id).toBeTruthy()
    const list = await service.ask('GET', '/api/messages/conversations', { token: carl.token })
    expect(list.body.count).toBe(0)
  })

  test('is another message when another person uses the same client_id', async () => {
    const client_id = uuid()
    const [mine, theirs] = [
      await service.send(ada, { to: bob.id, client_id }),
      await service.send(bob, { to: ada.id, client_id }),
    ]
    expect([mine.status, theirs.status]).toEqual([201, 201])
  })
})

test('text comes back as it was written', async () => {
  const body = ' 👩‍👩‍👧 \u202eabc\n<b>"\'; drop table messages; --\\ $1 %s é '
  const sent = await service.send(ada, { to: bob.id, body })
  expect(sent.body.body).toBe(body)
  expect((await history(bob, sent.body.conversation_id)).messages[0].body).toBe(body)
})

test('more than twenty a second are refused, others go on', async () => {
  const [flood, other] = [await service.person(), await service.person()]
  const { body } = await service.send(flood, { to: other.id })
  const sent = await Promise.all(
    Array.from({ length: 60 }, () =>
      service.send(flood, { conversation_id: body.conversation_id }),
    ),
  )
  const refused = sent.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThanOrEqual(10)
  expect(sent.length - refused.length).toBeGreaterThanOrEqual(19)
  expect(refused[0]?.headers.get('retry-after')).toBe('1')
  expect((await service.send(other, { to: flood.id })).status).toBe(201)
})
