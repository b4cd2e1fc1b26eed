import { createBus } from '@clew/kit/bus'
import { openRedis } from '@clew/kit/redis'
import { eventually } from '@clew/kit/test/eventually'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectPhone, newTrace, type Phone } from './phone.ts'
import { startTwo, type Two } from './two-instances.ts'

let two: Two
beforeAll(async () => {
  two = await startTwo()
})
afterAll(() => two[Symbol.asyncDispose]())

const refusal = (connecting: Promise<Phone>) =>
  connecting.then(
    () => undefined,
    (error) => error.data ?? error.message,
  )

describe('who connects', () => {
  test('is asked for at auth, once, in the trace of the phone', async () => {
    const { id, token } = await two.person()
    const _trace = newTrace()
    await using _phone = await connectPhone(two.one.url, token, { auth: { token, _trace } })
    await two.expectTree(
      _trace.traceparent.slice(3, 35),
      `
messaging SERVER connect  user.id=${id} messaging.system=socket.io
  messaging CLIENT POST /api/validate/token
  messaging CLIENT EVAL presence
  messaging PRODUCER publish messaging:live  clew.event.type=presence
    messaging CLIENT PUBLISH live`,
    )
  })

  test.each([
    ['no token', async () => undefined],
    ['a word', async () => 'word'],
    ['an expired token', async () => (await two.person({}, { expires: '-1s' })).token],
    ["another issuer's token", async () => (await two.person({}, { issuer: 'other' })).token],
  ])('with %s is refused', async (_, createToken) => {
    const said = await refusal(connectPhone(two.one.url, await createToken()))
    expect(said).toMatchObject({ status: 401, title: 'Unauthorized', trace_id: expect.any(String) })
  })

  test('with a token that auth calls invalid is refused', async () => {
    const { token } = await two.person()
    two.auth.revoked.add(token)
    const _trace = newTrace()
    const auth = { token, _trace }
    const said = await refusal(connectPhone(two.one.url, token, { auth }))
    const traceId = _trace.traceparent.slice(3, 35)
    expect(said).toMatchObject({ status: 401, trace_id: traceId })
    await two.expectTree(
      traceId,
      `
messaging SERVER connect  clew.problem.status=401 clew.refusal=invalid !user.id
  messaging CLIENT POST /api/validate/token`,
    )
  })

  test.each([
    ['nothing', null],
    ['an empty object', {}],
    ['a number for a token', { token: 7, _trace: 7 }],
  ])('with %s as what it says of itself is refused', async (_, auth) => {
    const connecting = connectPhone(two.one.url, undefined, { auth: auth as object })
    expect(await refusal(connecting)).toMatchObject({ status: 401 })
  })
})

describe('a page', () => {
  const from = (origin: string, transports = ['websocket']) => ({
    extraHeaders: { origin },
    transports,
  })

  test('of our own site may connect', async () => {
    const { token } = await two.person()
    await using phone = await connectPhone(two.one.url, token, from('http://127.0.0.1:8080'))
    expect(phone.socket.connected).toBe(true)
  })

  test('of another site may not, however it tries', async () => {
    const { token } = await two.person()
    for (const transports of [['websocket'], ['polling']]) {
      const foreign = connectPhone(two.one.url, token, from('http://evil.example', transports))
      expect(await refusal(foreign)).toMatch(/websocket error|xhr poll error/)
    }
    const answer = await fetch(`${two.one.url}/socket.io/?EIO=4&transport=polling`, {
      headers: { origin: 'http://evil.example' },
    })
    expect(answer.status).toBe(403)
  })
})

test('polling works too', async () => {
  await using ann = await two.phone(two.one)
  const bob = await two.person()
  await using polling = await connectPhone(two.one.url, bob.token, { transports: ['polling'] })
  const { conversation_id } = await ann.send(bob, 'hello')
  expect((await polling.heard('message:new')).payload.body).toBe('hello')
  expect(await polling.say('typing', { conversation_id, typing: true })).toEqual({})
})

test('requests that only carry frames leave no spans', async () => {
  const { token } = await two.person()
  await using phone = await connectPhone(two.one.url, token, { transports: ['polling'] })
  const { traceId } = await phone.trace('sync', { since: uuid() })
  await eventually(() => two.spans(traceId).some(({ kind }) => kind === 'SERVER'))
  expect(two.allSpans().filter(({ name }) => /socket\.io/.test(name))).toEqual([])
})

describe('ten sockets', () => {
  test('are what one person may have, over both instances', async () => {
    const { token } = await two.person()
    const phones = await Promise.all(
      Array.from({ length: 10 }, (_, at) => connectPhone((at % 2 ? two.one : two.two).url, token)),
    )
    expect(await refusal(connectPhone(two.one.url, token))).toMatchObject({ status: 429 })
    phones[0]?.socket.disconnect()
    await using _again = await eventually(() =>
      connectPhone(two.one.url, token).catch(() => undefined),
    )
    for (const phone of phones) phone.socket.disconnect()
  })
})

describe('a connected socket is told why and disconnected', () => {
  test('when its token expires', async () => {
    const { token } = await two.person({}, { expires: Math.floor(Date.now() / 1_000) + 2 })
    await using phone = await connectPhone(two.one.url, token)
    expect((await phone.heard('closing')).payload).toMatchObject({ reason: 'expired' })
    await eventually(() => !phone.socket.connected)
  })

  test('when its session is revoked', async () => {
    const sid = uuid()
    const { token } = await two.person({ sid })
    await using phone = await connectPhone(two.one.url, token)
    await using other = await two.phone(two.one)
    await using redis = await openRedis(two.authRedisUrl)
    const fact = { id: uuid(), type: 'session.revoked', payload: { session_id: sid }, carrier: {} }
    await createBus(redis).append('events:auth', [fact])
    expect((await phone.heard('closing')).payload).toMatchObject({ reason: 'revoked' })
    await eventually(() => !phone.socket.connected)
    expect(other.socket.connected).toBe(true)
    expect(await refusal(connectPhone(two.two.url, token))).toMatchObject({ status: 401 })
  })
})

test('while auth is away, tokens are read here', async () => {
  await two.auth.close()
  const { token } = await two.person()
  await using phone = await connectPhone(two.one.url, token)
  expect(phone.socket.connected).toBe(true)
  const expired = await two.person({}, { expires: '-1s' })
  expect(await refusal(connectPhone(two.one.url, expired.token))).toMatchObject({ status: 401 })
})
