import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { eventually } from '@clew/kit/test/eventually'
import { createClient } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectPhone, newTrace, type Phone } from './phone.ts'
import { type Person, startTwo, type Two } from './two-instances.ts'

let two: Two
let witness: Phone & Person
beforeAll(async () => {
  two = await startTwo()
  witness = await two.phone(two.one)
})
// Whatever the others sent, nobody else noticed.
afterAll(async () => {
  expect(witness.socket.connected).toBe(true)
  expect(await witness.send(await two.person(), 'still here')).toHaveProperty('id')
  await two[Symbol.asyncDispose]()
  expect(two.one.logs().filter(({ level }) => level >= 50)).toEqual([])
})

const whole = { to: uuid(), body: 'b', client_id: 'c' }

describe.each([
  ['message:send', { ...whole, body: 7 }, 'body'],
  ['message:send', { ...whole, body: '' }, 'body'],
  ['message:send', { ...whole, body: 'x'.repeat(4_097) }, 'body'],
  ['message:send', { ...whole, body: 'ä'.repeat(2_049) }, 'body'],
  ['message:send', { ...whole, client_id: 'no spaces' }, 'client_id'],
  ['message:send', { ...whole, to: 'bob' }, 'to'],
  ['message:send', { ...whole, conversation_id: uuid() }, 'to'],
  ['message:send', { ...whole, admin: true }, 'admin'],
  ['message:send', {}, 'body'],
  ['typing', { to: uuid() }, 'typing'],
  ['read', { conversation_id: uuid() }, 'message_id'],
  ['presence', { user_ids: Array.from({ length: 101 }, () => uuid()) }, 'user_ids'],
  ['presence', { user_ids: [1] }, 'user_ids.0'],
  ['sync', { since: 'yesterday' }, 'since'],
])('%s with a wrong %o', (event, payload, field) => {
  test(`is told that ${field} is wrong`, async () => {
    await using phone = await two.phone(two.one)
    const { traceId, ack } = await phone.trace(event, payload)
    expect(ack.error).toMatchObject({ status: 422, trace_id: traceId })
    expect(ack.error.errors.map((error: { field: string }) => error.field)).toContain(field)
    await two.expectTree(traceId, `messaging SERVER ${event}  clew.problem.status=422`)
  })
})

describe('an event', () => {
  test.each([
    ['nothing', []],
    ['null', [null]],
    ['text', ['text']],
    ['a list', [[1]]],
    ['two objects', [{ since: uuid() }, {}]],
  ])('that carries %s is refused', async (_, args) => {
    await using phone = await two.phone(two.one)
    const ack = await phone.socket.timeout(5_000).emitWithAck('sync', ...args)
    expect(ack.error).toMatchObject({ status: 422, errors: [{ message: 'must be one object' }] })
  })

  test.each(['message:sent', 'toString', '__proto__', 'error', ''])(
    'that is called %j is unknown',
    async (name) => {
      await using phone = await two.phone(two.one)
      const { traceId, ack } = await phone.trace(name, {})
      expect(ack.error.status).toBe(404)
      await two.expectTree(traceId, 'messaging SERVER unknown event  clew.problem.status=404')
    },
  )

  test('that wants no acknowledgement gets its problem as an event', async () => {
    await using phone = await two.phone(two.one)
    phone.socket.emit('sync', { since: 'yesterday' })
    const { payload } = await phone.heard('problem')
    expect(payload).toMatchObject({ event: 'sync', error: { status: 422 } })
  })

  test('that wants no acknowledgement is done all the same', async () => {
    await using phone = await two.phone(two.one)
    await using bob = await two.phone(two.two)
    phone.socket.emit('message:send', { to: bob.id, body: 'unacknowledged', client_id: 'c' })
    await bob.heard('message:new')
  })

  test('with a context that makes no sense begins a trace of its own', async () => {
    await using phone = await two.phone(two.one)
    for (const _trace of [7, null, [], { traceparent: 'x', baggage: {} }]) {
      const ack = await phone.socket.timeout(5_000).emitWithAck('sync', { since: uuid(), _trace })
      expect(ack.error).toMatchObject({ status: 422, errors: [{ field: 'since' }] })
    }
  })
})

describe('closes its own socket:', () => {
  const wireOf = (phone: Phone) =>
    (phone.socket.io.engine as unknown as { transport: { ws: Ws } }).transport.ws
  type Ws = { send(data: unknown): void; _socket: { pause(): void; resume(): void } }

  test.each([
    ['a frame of 5 MB', () => `42["sync",{"since":"${'x'.repeat(5 * 1024 * 1024)}"}]`],
    ['a binary frame', () => Buffer.from([1, 2, 3])],
    ['a packet that announces binary', () => '451-["sync",{"_placeholder":true,"num":0}]'],
    ['a packet that is no JSON', () => '42["sync",'],
    ['an event with a reserved name', () => '42["disconnect"]'],
    ['no packet at all', () => 'hello'],
    ['a second connect', () => '40{"token":"x"}'],
  ])('%s', async (_, createFrame) => {
    await using phone = await two.phone(two.one)
    wireOf(phone).send(createFrame())
    await eventually(() => !phone.socket.connected)
  })

  test('reading nothing, with the reason when it reads on', async () => {
    await using phone = await two.phone(two.one)
    await using reader = await two.phone(two.one)
    const ws = wireOf(phone)
    ws._socket.pause()
    const before = await memoryOf(two.one.pid)
    await using client = await openShouting()
    const dropped = () => two.spansOf('disconnect', phone.id).length === 1
    // Far more than the network takes in between, as fast as somebody who reads can read.
    let shouted = 0
    while (!dropped()) {
      for (let more = 0; more < 10; more++) await client.shout([phone.id, reader.id], shouted++)
      await reader.heard('typing', ({ number }) => number === shouted - 1)
    }
    expect((await memoryOf(two.one.pid)) - before).toBeLessThan(80)
    ws._socket.resume()
    expect((await phone.heard('closing')).payload).toMatchObject({ reason: 'too_slow' })
    await eventually(() => !phone.socket.connected)
    expect(phone.all('typing').length).toBeLessThan(shouted)
    expect(reader.socket.connected).toBe(true)
  })

  test('reading nothing, also when few but large events wait', async () => {
    await using phone = await two.phone(two.one)
    await using reader = await two.phone(two.one)
    const ws = wireOf(phone)
    ws._socket.pause()
    await using client = await openShouting(4_000_000)
    for (let number = 0; number < 8; number++) {
      await client.shout([phone.id, reader.id], number)
      await reader.heard('typing', (typing) => typing.number === number)
    }
    await eventually(() => two.spansOf('disconnect', phone.id).length === 1)
    ws._socket.resume()
    expect((await phone.heard('closing')).payload).toMatchObject({ reason: 'too_slow' })
  })

  /** Large live events, as if another instance had published them. */
  async function openShouting(size = 70_000) {
    const client = createClient({ url: two.redisUrl })
    await client.connect()
    const words = 'x'.repeat(size)
    return {
      async shout(to: string[], number: number) {
        const event = { name: 'typing', to, payload: { number, words }, carrier: {} }
        await client.publish('messaging:live', randomUUID() + JSON.stringify(event))
      },
      [Symbol.asyncDispose]: () => client.close(),
    }
  }
  async function memoryOf(pid = 0): Promise<number> {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
  }
})

describe('too many', () => {
  test('messages: the 21st in a second is refused, wherever the others went', async () => {
    const ann = await two.person()
    await using phone = await connectPhone(two.one.url, ann.token)
    await using tablet = await connectPhone(two.two.url, ann.token)
    const bob = await two.person()
    await phone.send(bob, 'first')
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    const traces = await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        (at % 2 ? phone : tablet).trace('message:send', {
          ...{ to: bob.id, body: 'more', client_id: `more-${at}` },
        }),
      ),
    )
    const refused = traces.filter(({ ack }) => ack.error)
    expect(refused.length).toBeGreaterThanOrEqual(1)
    expect(refused.length).toBeLessThanOrEqual(4)
    for (const { ack } of refused) expect(ack.error.status).toBe(429)
    await two.expectTree(
      refused[0]?.traceId ?? '',
      `
messaging SERVER message:send  clew.problem.status=429 clew.limit=messages
  messaging CLIENT EVAL limit`,
    )
  })

  test('events of one socket are refused before they cost anything', async () => {
    await using phone = await two.phone(two.one)
    const since = uuid()
    const traces = await Promise.all(
      Array.from({ length: 150 }, () => phone.trace('typing', { to: since, typing: true })),
    )
    const refused = traces.filter(({ ack }) => ack.error?.status === 429)
    // Two seconds may have had a part in it.
    expect(refused.length).toBeGreaterThanOrEqual(50)
    expect(two.spans(refused[0]?.traceId ?? '')).toEqual([])
  })

  test('connects on one connection end it, and leave one span at most', async () => {
    const { traceparent } = newTrace()
    const ws = await openRaw()
    for (let at = 0; at < 50; at++) ws.send(connectFrame('x', traceparent))
    await eventually(() => ws.readyState === WebSocket.CLOSED)
    await two.phone(two.one)
    expect(two.spans(traceparent.slice(3, 35)).length).toBeLessThanOrEqual(1)
  })
})

describe('nobody stays connected', () => {
  test('who is refused, once they are told', async () => {
    const ws = await openRaw()
    ws.send(connectFrame('x'))
    await eventually(() => ws.readyState === WebSocket.CLOSED)
    const [, refusal = ''] = ws.frames
    expect(refusal.slice(0, 2)).toBe('44')
    expect(JSON.parse(refusal.slice(2)).data.status).toBe(401)
  })

  test('who has taken leave', async () => {
    const ws = await openRaw()
    ws.send(connectFrame((await two.person()).token))
    await eventually(() => ws.frames[1]?.startsWith('40'))
    ws.send('41')
    await eventually(() => ws.readyState === WebSocket.CLOSED)
  })
})

/** A WebSocket without Socket.IO's manners. */
async function openRaw() {
  const url = `${two.one.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`
  const frames: string[] = []
  const ws = Object.assign(new WebSocket(url), { frames })
  ws.onmessage = ({ data }) => frames.push(data)
  await eventually(() => frames[0]?.startsWith('0'))
  return ws
}
function connectFrame(token: string, traceparent?: string): string {
  return `40${JSON.stringify({ token, ...(traceparent && { _trace: { traceparent } }) })}`
}
