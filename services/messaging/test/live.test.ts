import { openPostgres } from '@clew/kit/postgres'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectPhone } from './phone.ts'
import { startTwo, type Two } from './two-instances.ts'

let two: Two
beforeAll(async () => {
  two = await startTwo()
})
afterAll(() => two[Symbol.asyncDispose]())

const stored = `  messaging CLIENT EVAL limit
  messaging CLIENT BEGIN
  messaging CLIENT UPDATE conversations
  messaging CLIENT INSERT messages
  messaging PRODUCER publish events:messaging
    messaging CLIENT INSERT outbox
  messaging CLIENT COMMIT`

describe('a message', () => {
  test('reaches the other instance, in the trace of the phone that sent it', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    await ann.send(bob, 'first')
    const sent = { to: bob.id, body: 'hello', client_id: 'c-1' }
    const { traceId, ack } = await ann.trace('message:send', sent)
    expect(ack).toEqual({
      id: expect.any(String),
      conversation_id: expect.any(String),
      created_at: expect.any(String),
    })
    const heard = await bob.heard('message:new', ({ body }) => body === 'hello')
    expect(heard.payload).toEqual({
      ...ack,
      ...{ sender_id: ann.id, body: 'hello', client_id: 'c-1' },
    })
    await two.expectTree(
      traceId,
      `
messaging SERVER message:send  user.id=${ann.id} messaging.system=socket.io
${stored}
  messaging PRODUCER publish messaging:live  messaging.system=redis_pubsub messaging.message.id=${ack.id}
    messaging CLIENT PUBLISH live
    messaging CONSUMER process messaging:live  clew.event.type=message:new
      messaging PRODUCER publish message:new  messaging.batch.message_count=1`,
    )
    const emission = two.spans(traceId).find((span) => span.name === 'publish message:new')
    expect(heard.trace?.traceparent).toBe(`00-${traceId}-${emission?.id}-01`)
    const told = two
      .spans(traceId)
      .map(({ name, attributes, events }) => [name, attributes, events])
    expect(JSON.stringify(told)).not.toContain('hello')
  })

  test('reaches all devices of both, here and there, but the one it came from', async () => {
    await using ann = await two.phone(two.one)
    await using annsTablet = await connectPhone(two.two.url, ann.token)
    await using bob = await two.phone(two.one)
    await using bobsTablet = await connectPhone(two.one.url, bob.token)
    await ann.send(bob, 'first')
    const { traceId } = await ann.trace('message:send', { to: bob.id, body: 'hi', client_id: 'c' })
    for (const phone of [annsTablet, bob, bobsTablet]) {
      await phone.heard('message:new', ({ body }) => body === 'hi')
    }
    expect(ann.all('message:new')).toEqual([])
    await two.expectTree(
      traceId,
      `
messaging SERVER message:send
${stored}
  messaging PRODUCER publish message:new  messaging.batch.message_count=2
  messaging PRODUCER publish messaging:live
    messaging CLIENT PUBLISH live
    messaging CONSUMER process messaging:live
      messaging PRODUCER publish message:new  messaging.batch.message_count=1`,
    )
  })

  test('that is sent again is acknowledged again, and heard once', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    const first = await ann.send(bob, 'once', 'again')
    expect(await ann.send(bob, 'once', 'again')).toEqual(first)
    await ann.send(bob, 'after')
    await bob.heard('message:new', ({ body }) => body === 'after')
    expect(bob.all('message:new').map(({ body }) => body)).toEqual(['once', 'after'])
  })

  test('that is sent again when it is old is no news', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    const { conversation_id } = await ann.send(bob, 'first')
    await using owner = openPostgres(two.ownerUrl)
    await owner.query(
      `insert into messages (id, conversation_id, sender_id, client_id, body)
       values (uuidv7(interval '-2 minutes'), $1, $2, 'old', 'old')`,
      [conversation_id, ann.id],
    )
    expect(await ann.send(bob, 'old', 'old')).toHaveProperty('id')
    await ann.send(bob, 'last')
    await bob.heard('message:new', ({ body }) => body === 'last')
    expect(bob.all('message:new').map(({ body }) => body)).toEqual(['first', 'last'])
  })

  test('over HTTP is heard as well', async () => {
    await using bob = await two.phone(two.two)
    const ann = await two.person()
    const answer = await fetch(`${two.one.url}/api/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ to: bob.id, body: 'by post', client_id: 'c' }),
    })
    expect(answer.status).toBe(201)
    expect((await bob.heard('message:new')).payload).toEqual(await answer.json())
  })

  test('comes in the order in which one phone sent it', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    const bodies = Array.from({ length: 15 }, (_, at) => `number ${at}`)
    await Promise.all(bodies.map((body) => ann.send(bob, body)))
    await bob.heard('message:new', ({ body }) => body === 'number 14')
    expect(bob.all('message:new').map(({ body }) => body)).toEqual(bodies)
  })

  test('carries on what baggage may come in, and no more', async () => {
    const ann = await two.person()
    await using phone = await connectPhone(two.one.url, ann.token, {
      baggage: 'clew.run=r1,secret=s',
    })
    await using bob = await two.phone(two.two)
    const { traceId } = await phone.trace('message:send', {
      ...{ to: bob.id, body: 'b', client_id: 'c' },
    })
    expect((await bob.heard('message:new')).trace?.baggage).toBe('clew.run=r1')
    for (const span of two.spans(traceId)) expect(span.attributes['clew.run']?.value).toBe('r1')
  })
})

describe('in a conversation', () => {
  test('others see who is typing; the database is asked who they are', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    const { conversation_id } = await ann.send(bob, 'first')
    const { traceId, ack } = await ann.trace('typing', { conversation_id, typing: true })
    expect(ack).toEqual({})
    expect((await bob.heard('typing')).payload).toEqual({
      conversation_id,
      user_id: ann.id,
      typing: true,
    })
    await two.expectTree(
      traceId,
      `
messaging SERVER typing  user.id=${ann.id}
  messaging CLIENT BEGIN
  messaging CLIENT SELECT conversations
  messaging CLIENT COMMIT
  messaging PRODUCER publish messaging:live  !messaging.message.id
    messaging CLIENT PUBLISH live
    messaging CONSUMER process messaging:live
      messaging PRODUCER publish typing`,
    )
    // It is remembered for a while, and of two people there is nothing to be asked.
    for (const target of [{ conversation_id }, { to: bob.id }]) {
      const again = await ann.trace('typing', { ...target, typing: false })
      await two.expectTree(
        again.traceId,
        `
messaging SERVER typing
  messaging PRODUCER publish messaging:live
    messaging CLIENT PUBLISH live
    messaging CONSUMER process messaging:live
      messaging PRODUCER publish typing`,
      )
    }
    expect(bob.all('typing').map(({ typing }) => typing)).toEqual([true, false, false])
    expect(ann.all('typing')).toEqual([])
  })

  test('typing is told five times a second at most', async () => {
    await using ann = await two.phone(two.one)
    await using tablet = await connectPhone(two.one.url, ann.token)
    await using bob = await two.phone(two.one)
    const { conversation_id } = await ann.send(bob, 'first')
    const acks = await Promise.all(
      Array.from({ length: 30 }, (_, at) =>
        (at % 2 ? ann : tablet).say('typing', { conversation_id, typing: true }),
      ),
    )
    const refused = acks.filter(({ error }) => error?.status === 429)
    // Two seconds may have had a part in it.
    expect(refused.length).toBeGreaterThanOrEqual(20)
    expect(bob.all('typing').length).toBe(30 - refused.length)
  })

  test('strangers are not told who is typing, nor can they tell', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    await using eve = await two.phone(two.two)
    const { conversation_id } = await ann.send(bob, 'first')
    expect(await eve.say('typing', { to: bob.id, typing: true })).toEqual({})
    expect((await eve.say('typing', { conversation_id, typing: true })).error.status).toBe(404)
    await ann.send(bob, 'last')
    await bob.heard('message:new', ({ body }) => body === 'last')
    expect(bob.all('typing')).toEqual([])
  })

  test('everybody learns how far somebody has read, and their other devices too', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    await using bobsTablet = await connectPhone(two.one.url, bob.token)
    const { id: message_id, conversation_id } = await ann.send(bob, 'read me')
    const { traceId, ack } = await bob.trace('read', { conversation_id, message_id })
    expect(ack).toEqual({ unread_count: 0 })
    const news = { conversation_id, user_id: bob.id, message_id }
    expect((await ann.heard('read')).payload).toEqual(news)
    expect((await bobsTablet.heard('read')).payload).toEqual(news)
    await two.expectTree(
      traceId,
      `
messaging SERVER read  user.id=${bob.id}
  messaging CLIENT BEGIN
  messaging CLIENT UPDATE members
  messaging CLIENT SELECT members
  messaging CLIENT COMMIT
  messaging PRODUCER publish messaging:live
    messaging CLIENT PUBLISH live
    messaging CONSUMER process messaging:live
      messaging PRODUCER publish read  messaging.batch.message_count=2`,
    )
    await bob.say('read', { conversation_id, message_id })
    await ann.send(bob, 'more')
    expect(ann.all('read')).toHaveLength(1)
  })
})

describe('somebody who comes back', () => {
  test('gets what they missed, in order, and nothing twice', async () => {
    await using ann = await two.phone(two.one)
    const bob = await two.person()
    const before = await connectPhone(two.two.url, bob.token)
    const { id: since } = await ann.send(bob, 'last seen')
    await before.heard('message:new')
    before.cut()
    for (const body of ['a', 'b', 'c']) await ann.send(bob, body)
    await using after = await connectPhone(two.one.url, bob.token)
    await ann.send(bob, 'd')
    await after.heard('message:new')
    const { traceId, ack } = await after.trace('sync', { since })
    expect(ack.messages.map(({ body }: { body: string }) => body)).toEqual(['a', 'b', 'c'])
    expect(ack.more).toBe(false)
    await two.expectTree(
      traceId,
      `
messaging SERVER sync  user.id=${bob.id}
  messaging CLIENT BEGIN
  messaging CLIENT SELECT messages
  messaging CLIENT SELECT members
  messaging CLIENT COMMIT`,
    )
  })

  test('after a long time gets it in portions, each going on after the one before', async () => {
    await using ann = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    const { id: since, conversation_id } = await ann.send(bob, 'last seen')
    await using owner = openPostgres(two.ownerUrl)
    await owner.query(
      `insert into messages (id, conversation_id, sender_id, client_id, body)
       select uuidv7(), $1, $2, 'bulk:' || number, number from generate_series(1, 620) number`,
      [conversation_id, ann.id],
    )
    const bodies: string[] = []
    let after: string | undefined
    for (let more = true; more; ) {
      const ack = await bob.say('sync', { since, ...(after && { after }) })
      bodies.push(...ack.messages.map(({ body }: { body: string }) => body))
      after = ack.messages.at(-1).id
      more = ack.more
    }
    expect(bodies).toEqual(Array.from({ length: 620 }, (_, index) => String(index + 1)))
  })

  test('after a message that they cannot see is told so', async () => {
    await using ann = await two.phone(two.one)
    await using eve = await two.phone(two.one)
    const { id } = await ann.send(await two.person(), 'not for eve')
    for (const since of [id, uuid()]) {
      expect(await eve.say('sync', { since })).toMatchObject({
        error: { status: 422, errors: [{ field: 'since' }] },
      })
    }
  })
})
