import { once } from 'node:events'
import { connect } from 'node:net'
import { createBus } from '@clew/kit/bus'
import { openRedis } from '@clew/kit/redis'
import { eventually } from '@clew/kit/test/eventually'
import { v7 as uuid } from 'uuid'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connectPhone, type Phone } from './phone.ts'
import { startTwo, type Two } from './two-instances.ts'

let two: Two
beforeEach(async () => {
  two = await startTwo()
})
afterEach(() => two[Symbol.asyncDispose]())

const bodiesOf = (phone: Phone) => phone.all('message:new').map(({ body }) => body)

test('what is sent while Redis is away arrives on the other instance when it is back', async () => {
  await using ann = await two.phone(two.one)
  await using annsTablet = await connectPhone(two.one.url, ann.token)
  await using bob = await two.phone(two.two)
  await ann.send(bob, 'before')
  await bob.heard('message:new')
  two.one.redis.cut()
  two.two.redis.cut()
  const sent = await Promise.all(['a', 'b', 'c'].map((body) => ann.send(bob, body)))
  for (const ack of sent) expect(ack).toHaveProperty('id')
  await annsTablet.heard('message:new', ({ body }) => body === 'c')
  expect(bodiesOf(bob)).toEqual(['before'])
  two.one.redis.mend()
  two.two.redis.mend()
  const { trace } = await bob.heard('message:new', ({ body }) => body === 'c')
  expect(bodiesOf(bob)).toEqual(['before', 'a', 'b', 'c'])
  const spans = () => two.spans(trace?.traceparent.slice(3, 35) ?? '')
  const caught = await eventually(() =>
    spans().find(({ name }) => name === 'process events:messaging'),
  )
  const above = () => spans().find(({ id }) => id === caught.parentId)
  expect((await eventually(above)).name).toBe('publish events:messaging')

  // And the channel works again.
  await ann.send(bob, 'after')
  await bob.heard('message:new', ({ body }) => body === 'after')
  await annsTablet.heard('message:new', ({ body }) => body === 'after')
  expect(bodiesOf(bob)).toEqual(['before', 'a', 'b', 'c', 'after'])
  expect(bodiesOf(annsTablet)).toEqual(['before', 'a', 'b', 'c', 'after'])
})

test('who syncs while Redis is away does not get it again when it is back', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  const { id: since } = await ann.send(bob, 'before')
  await bob.heard('message:new')
  two.one.redis.cut()
  await ann.send(bob, 'meanwhile')
  const { messages } = await bob.say('sync', { since })
  expect(messages).toMatchObject([{ body: 'meanwhile' }])
  two.one.redis.mend()
  await eventually(() => two.allSpans().some(({ name }) => name === 'process events:messaging'))
  await ann.send(bob, 'after')
  await bob.heard('message:new', ({ body }) => body === 'after')
  expect(bodiesOf(bob)).toEqual(['before', 'after'])
})

test('a message that only one instance cannot hear of comes by its fact', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  await ann.send(bob, 'before')
  await bob.heard('message:new')
  two.two.redis.stall()
  await ann.send(bob, 'unheard')
  two.two.redis.mend()
  await bob.heard('message:new', ({ body }) => body === 'unheard')
  expect(bodiesOf(bob)).toEqual(['before', 'unheard'])
})

test('what a sender said who left before Redis was back arrives all the same', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  const { id: conversation_id } = await ann.ask('POST', 'conversations', { members: [bob.id] })
  two.one.redis.cut()
  const sent = { conversation_id, body: 'farewell', client_id: 'c' }
  expect(await ann.say('message:send', sent)).toHaveProperty('id')
  await ann.ask('DELETE', `conversations/${conversation_id}/members/${ann.id}`)
  two.one.redis.mend()
  await bob.heard('message:new', ({ body }) => body === 'farewell')
})

test('a fact that cannot be understood does not stop the messages after it', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  await ann.send(bob, 'before')
  await bob.heard('message:new')
  await tell([{ message_id: 'none', sender_id: ann.id }])
  two.two.redis.stall()
  await ann.send(bob, 'after')
  two.two.redis.mend()
  await bob.heard('message:new', ({ body }) => body === 'after')
})

test('when there is too much to catch, everybody is told to sync', async () => {
  await using bob = await two.phone(two.two)
  const facts = Array.from({ length: 10_500 }, () => ({ message_id: uuid(), sender_id: bob.id }))
  await tell(facts)
  expect((await bob.heard('closing')).payload).toMatchObject({ reason: 'behind' })
  await eventually(() => !bob.socket.connected)
})

/** Facts that messages were sent. */
async function tell(payloads: object[]): Promise<void> {
  await using redis = await openRedis(two.redisUrl)
  const bus = createBus(redis)
  const type = 'message.sent'
  const facts = payloads.map((payload) => ({ id: uuid(), type, payload, carrier: {} }))
  for (let at = 0; at < facts.length; at += 100) {
    await bus.append('events:messaging', facts.slice(at, at + 100))
  }
}

test('an instance that is killed loses nothing that it acknowledged', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, () => two.person()))
  const bobs = await Promise.all(people.map(({ token }) => connectPhone(two.two.url, token)))
  const anns = await Promise.all(people.map(() => two.phone(two.one)))
  const acknowledged: string[] = []
  let tries = 0
  // Each says up to twenty things a second to their own bob, until the instance is gone.
  const talking = anns.map(async (ann, at) => {
    for (let number = 0; number < 40; number++) {
      const body = `${at}-${number}`
      tries++
      const ack = await ann.send(people[at]!, body, body).catch(() => undefined)
      if (!ack) return
      if (ack.id) acknowledged.push(body)
      else await new Promise((resolve) => setTimeout(resolve, 100))
      if (acknowledged.length === 100) two.one.kill()
    }
  })
  await Promise.all(talking)
  expect(tries).toBeGreaterThan(acknowledged.length)
  await eventually(() => {
    const heard = new Set(bobs.flatMap(bodiesOf))
    return acknowledged.every((body) => heard.has(body))
  })
  const all = bobs.flatMap(bodiesOf)
  expect(all.length).toBe(new Set(all).size)
  for (const phone of bobs) phone.socket.disconnect()
})

test('an instance that stops answers what is under way and sends everybody on', async () => {
  await using ann = await two.phone(two.one)
  const bob = await two.person()
  const phone = await connectPhone(two.one.url, bob.token)
  await ann.send(bob, 'first')
  const acks = Array.from({ length: 10 }, (_, at) => ann.send(bob, `under way ${at}`))
  await new Promise((resolve) => setTimeout(resolve, 2))
  const stopped = two.one.stop()
  for (const ack of await Promise.all(acks)) {
    expect(ack.id ?? ack.error.status).toSatisfy((said) => said === 503 || said.length === 36)
  }
  expect((await phone.heard('closing')).payload).toMatchObject({ reason: 'stopping' })
  expect(await stopped).toBe(0)
  await using _again = await connectPhone(two.two.url, bob.token)
  expect(two.one.logs().filter(({ level }) => level >= 50)).toEqual([])
})

test('while an instance sends everybody on, nobody comes to it', async () => {
  await using bob = await two.phone(two.one)
  // One who does not close holds it for a while.
  const lazy = await two.phone(two.one)
  lazy.silence()
  const before = connect(two.one.port, '127.0.0.1')
  await once(before, 'connect')
  const said: unknown[] = []
  before.on('data', (data) => said.push(data)).on('error', () => {})
  const broken = once(before, 'close')
  const stopped = two.one.stop()
  await bob.heard('closing')
  const trying = once(connect(two.one.port, '127.0.0.1'), 'connect')
  await expect(trying).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  before.write(`GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`)
  await broken
  expect(said).toEqual([])
  expect(await stopped).toBe(0)
  lazy.cut()
})

const upgrade = [
  ...['Connection: upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ''],
].join('\r\n')

test('a phone that does not close when asked does not hold an instance up', async () => {
  const bob = await two.person()
  const phone = await connectPhone(two.one.url, bob.token)
  phone.silence()
  expect(await two.one.stop()).toBe(0)
  phone.cut()
})
