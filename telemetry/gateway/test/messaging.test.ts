import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from './gateway.ts'
import { startMessaging } from './servers.ts'

type Instance = Awaited<ReturnType<typeof startMessaging>>

let owned: AsyncDisposableStack
let gateway: Gateway
let both: [Instance, Instance]

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  gateway = owned.use(await startGateway())
  both = [
    owned.use(await startMessaging(gateway.ports.messaging)),
    owned.use(await startMessaging(gateway.ports.messaging2)),
  ]
})
afterEach(() => owned.disposeAsync())

type Seen = { port: number; url: string; headers: Record<string, string> }

async function ask(path: string, init: RequestInit = {}) {
  const answer = await fetch(`${gateway.url}${path}`, init)
  return { answer, seen: (await answer.clone().json()) as Seen }
}

/** As a phone at this address; the socket is ended after the test. */
async function upgrade(query = 'transport=websocket', address = '10.0.0.1') {
  const asking = request(`${gateway.url}/socket.io/?EIO=4&${query}`, {
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'x-forwarded-for': address,
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    },
  })
  asking.end()
  const [answer, socket] = (await once(asking, 'upgrade')) as [IncomingMessage, Socket]
  owned.defer(() => void socket.destroy())
  socket.on('error', () => {})
  const seen = Buffer.from(String(answer.headers['x-seen']), 'base64').toString()
  return { answer, socket, seen: JSON.parse(seen) as Seen }
}

const counts = (ports: number[]) => [
  ports.filter((port) => port === gateway.ports.messaging).length,
  ports.filter((port) => port === gateway.ports.messaging2).length,
]

describe('requests', () => {
  test('reach messaging as they were asked, one process as often as the other', async () => {
    // Sockets of the one must not lead all requests to the other.
    await upgrade()
    const ports: number[] = []
    for (let count = 0; count < 10; count++) {
      const { seen } = await ask(`/api/messages/conversations?limit=${count}`)
      expect(seen.url).toBe(`/api/messages/conversations?limit=${count}`)
      expect(seen.headers.traceparent).toMatch(/^00-/)
      ports.push(seen.port)
    }
    expect(counts(ports)).toEqual([5, 5])
  })

  test('go to the other while one is away, and to both when it is back', async () => {
    await both[0][Symbol.asyncDispose]()
    for (const [path, init] of [
      ['/api/messages/conversations', {}],
      ['/api/messages', { method: 'POST', body: '{}' }],
    ] as const) {
      for (let count = 0; count < 4; count++) {
        const { answer, seen } = await ask(path, init)
        expect([answer.status, seen.port]).toEqual([200, gateway.ports.messaging2])
      }
    }
    owned.use(await startMessaging(gateway.ports.messaging))
    const back = async () => (await ask('/api/messages/conversations')).seen.port
    await expect.poll(back, { timeout: 10_000 }).toBe(gateway.ports.messaging)
  })

  test('are 503 while both are away, again and again, and asking again is safe', async () => {
    for (const one of both) await one[Symbol.asyncDispose]()
    for (let count = 0; count < 5; count++) {
      const { answer } = await ask('/api/messages', { method: 'POST', body: '{}' })
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
      expect(await answer.json()).toMatchObject({ trace_id: answer.headers.get('x-trace-id') })
    }
  })
})

describe('a WebSocket', () => {
  test('passes, in both directions', async () => {
    const { socket, seen } = await upgrade()
    expect(seen.headers).toMatchObject({ upgrade: 'websocket', connection: 'upgrade' })
    expect(seen.headers['x-forwarded-for']).toBe('10.0.0.1')
    socket.write('hello')
    expect(String((await once(socket, 'data'))[0])).toBe(`${seen.port} hello`)
  })

  test('goes where fewer are, and to the other while one is away', async () => {
    const four = [await upgrade(), await upgrade(), await upgrade(), await upgrade()]
    expect(counts(four.map(({ seen }) => seen.port))).toEqual([2, 2])
    await both[1][Symbol.asyncDispose]()
    const two = [await upgrade(), await upgrade()]
    expect(counts(two.map(({ seen }) => seen.port))).toEqual([2, 0])
  })

  test('has no trace, and leaves no line; a refused one does both', async () => {
    const { answer, seen } = await upgrade()
    for (const name of ['traceparent', 'tracestate', 'baggage', 'x-trace-id']) {
      expect(seen.headers).not.toHaveProperty(name)
    }
    expect(answer.headers).not.toHaveProperty('traceresponse')
    expect(answer.headers).not.toHaveProperty('x-trace-id')
    const polled = await ask('/socket.io/?EIO=4&transport=polling')
    expect(polled.seen.headers).not.toHaveProperty('traceparent')
    expect(polled.answer.headers.get('x-trace-id')).toBeNull()
    const refused = await ask('/socket.io/?EIO=4&transport=polling&sid=unknown')
    expect(refused.answer.status).toBe(400)
    await expect.poll(() => gateway.logged()).toHaveLength(1)
    expect(await gateway.logged()).toMatchObject([
      {
        status: '400',
        route: '/socket.io/',
        upstream: 'messaging',
        trace: refused.answer.headers.get('x-trace-id'),
      },
    ])
  })

  test('does not keep the gateway from ending', async () => {
    const { socket } = await upgrade()
    const closed = once(socket, 'close')
    await gateway.end()
    await closed
  })
})

describe('polling', () => {
  test('stays with one process, from the first request to the WebSocket after it', async () => {
    const used = new Set<number>()
    for (let person = 1; person <= 20; person++) {
      const address = `10.0.0.${person}`
      const headers = { 'x-forwarded-for': address }
      const path = '/socket.io/?EIO=4&transport=polling'
      const first = await ask(path, { headers })
      const ports = [
        (await ask(`${path}&sid=x`, { headers })).seen.port,
        (await ask(`${path}&sid=x`, { headers, method: 'POST', body: '2' })).seen.port,
        (await upgrade('transport=websocket&sid=x', address)).seen.port,
      ]
      expect(new Set([first.seen.port, ...ports]).size).toBe(1)
      used.add(first.seen.port)
    }
    expect(used.size).toBe(2)
  })

  test('goes to the other while its own is away', async () => {
    const path = '/socket.io/?EIO=4&transport=polling'
    const { seen } = await ask(path)
    const [own, other] =
      seen.port === gateway.ports.messaging
        ? [both[0], gateway.ports.messaging2]
        : [both[1], gateway.ports.messaging]
    await own[Symbol.asyncDispose]()
    expect((await ask(path)).seen.port).toBe(other)
  })
})

test('with telemetry off a failed one leaves no line and hears of no trace', async () => {
  await using quiet = await startGateway({ CLEW_TELEMETRY: 'off' })
  await using _ = await startMessaging(quiet.ports.messaging)
  const answer = await fetch(`${quiet.url}/socket.io/?EIO=4&transport=polling&sid=unknown`)
  expect([answer.status, answer.headers.get('x-trace-id')]).toEqual([400, null])
})
