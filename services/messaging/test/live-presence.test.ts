import { eventually } from '@clew/kit/test/eventually'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectPhone } from './phone.ts'
import { startTwo, type Two } from './two-instances.ts'

let two: Two
beforeAll(async () => {
  two = await startTwo({ MESSAGING_PRESENCE_SECONDS: '1.5' })
})
afterAll(() => two[Symbol.asyncDispose]())

test('who is there is told, but only to those who share a conversation', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  await using eve = await two.phone(two.two)
  const gone = await two.person()
  await ann.send(bob, 'hi')
  await ann.send(gone, 'hi')
  const { traceId, ack } = await ann.trace('presence', { user_ids: [bob.id, gone.id, eve.id] })
  expect(ack.people).toEqual([
    { user_id: bob.id, online: true, last_seen: expect.any(String) },
    { user_id: gone.id, online: false, last_seen: null },
  ])
  expect(await eve.say('presence', { user_ids: [bob.id] })).toEqual({ people: [] })
  await two.expectTree(
    traceId,
    `
messaging SERVER presence  user.id=${ann.id}
  messaging CLIENT BEGIN
  messaging CLIENT SELECT members
  messaging CLIENT COMMIT
  messaging CLIENT ZCOUNT presence  db.operation.batch.size=3`,
  )
})

test('watchers learn at once when the first device comes and the last one goes', async () => {
  await using ann = await two.phone(two.one)
  const bob = await two.person()
  await ann.send(bob, 'hi')
  await ann.say('presence', { user_ids: [bob.id] })
  const phone = await connectPhone(two.two.url, bob.token)
  await ann.heard('presence', ({ online }) => online)
  const tablet = await connectPhone(two.one.url, bob.token)
  phone.socket.disconnect()
  await eventually(() => two.spansOf('disconnect', bob.id).length === 1)
  tablet.socket.disconnect()
  const { payload, trace } = await ann.heard('presence', ({ online }) => !online)
  expect(payload).toEqual({ user_id: bob.id, online: false, last_seen: expect.any(String) })
  expect(ann.all('presence')).toHaveLength(2)
  await two.expectTree(
    trace?.traceparent.slice(3, 35) ?? '',
    `
messaging SERVER disconnect  user.id=${bob.id}
  messaging CLIENT EVAL presence
  messaging PRODUCER publish presence  messaging.batch.message_count=1
  messaging PRODUCER publish messaging:live
    messaging CLIENT PUBLISH live`,
  )
  const [server] = two.spans(trace?.traceparent.slice(3, 35) ?? '')
  const link = two.allSpans().find(({ id }) => id === server?.links[0]?.spanId)
  expect(link).toMatchObject({ name: 'connect', attributes: { 'user.id': { value: bob.id } } })
})

test('somebody stays there for as long as they are connected', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  await ann.send(bob, 'hi')
  await ann.say('presence', { user_ids: [bob.id] })
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  const { people } = await ann.say('presence', { user_ids: [bob.id] })
  expect(people).toMatchObject([{ online: true }])
  expect(ann.all('presence')).toEqual([])
})

test('while Redis is away presence is not known, and afterwards it is again', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  await ann.send(bob, 'hi')
  const ask = () => ann.say('presence', { user_ids: [bob.id] })
  two.one.redis.cut()
  two.two.redis.cut()
  const { traceId, ack } = await ann.trace('presence', { user_ids: [bob.id] })
  expect(ack.error.status).toBe(503)
  await two.expectTree(
    traceId,
    `
messaging SERVER presence  ERROR clew.problem.status=503 error.type=REDIS_AWAY
  messaging CLIENT BEGIN
  messaging CLIENT SELECT members
  messaging CLIENT COMMIT
  messaging CLIENT ZCOUNT presence  ERROR`,
  )
  expect(ann.socket.connected && bob.socket.connected).toBe(true)
  two.one.redis.mend()
  two.two.redis.mend()
  await eventually(async () => (await ask()).people?.[0]?.online)
})

test('when an instance dies, those who were there are gone when their time is up', async () => {
  await using ann = await two.phone(two.one)
  await using bob = await two.phone(two.two)
  await ann.send(bob, 'hi')
  await ann.say('presence', { user_ids: [bob.id] })
  await two.two.kill()
  const { payload } = await ann.heard('presence')
  expect(payload).toMatchObject({ user_id: bob.id, online: false })
})
