import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBody } from '../src/body.ts'
import { boundary, formType } from './form.ts'
import { picture, video } from './pictures.ts'
import { type Person, type Service, startService, waitUntil } from './service.ts'

const megabyte = 1024 * 1024
const limit = 100 * megabyte
let service: Service
let alice: Person
beforeAll(async () => {
  service = await startService()
  alice = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

type Sent = { status: number; body: string; reused: boolean }

/** Sends a body piece by piece, and goes on until all is sent, whatever the answer and when. */
async function send(
  headers: Record<string, string>,
  pieces: Iterable<Buffer>,
  token = alice.token,
): Promise<Sent> {
  const going = request(`${service.url}/api/media`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headers },
  })
  going.on('error', () => {})
  const answered = once(going, 'response') as Promise<[IncomingMessage]>
  for (const piece of pieces) {
    if (going.destroyed) break
    going.write(piece)
    // Room for the answer to be read, as clients do while they send.
    await immediate()
  }
  going.end()
  const [answer] = await answered
  answer.setEncoding('utf8')
  let body = ''
  for await (const text of answer) body += text
  return { status: answer.statusCode ?? 0, body, reused: going.reusedSocket }
}

function* pieces(total: number, first = video()): Generator<Buffer> {
  yield first
  for (let sent = first.length; sent < total; ) {
    // Behind a film zeros are a box that goes on to the end.
    const piece = Buffer.alloc(Math.min(megabyte, total - sent))
    sent += piece.length
    yield piece
  }
}

test('100 MB are kept, one byte more is refused, whether its length was said or not', async () => {
  const before = await service.kept()
  expect((await send({ 'content-length': String(limit) }, pieces(limit))).status).toBe(201)
  const one = await service.kept()
  expect(one.rows).toBe(before.rows + 1)
  const said = await send({ 'content-length': String(limit + 1) }, pieces(limit + 1))
  const unsaid = await send({ 'transfer-encoding': 'chunked' }, pieces(limit + 1))
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n`
  const form = [Buffer.from(head), ...pieces(limit + 1), Buffer.from(`\r\n--${boundary}--\r\n`)]
  const inForm = await send({ 'transfer-encoding': 'chunked', ...formType }, form)
  for (const { status, body } of [said, unsaid, inForm]) {
    expect(status).toBe(413)
    expect(JSON.parse(body).detail).toBe('An upload must not be larger than 100 MB.')
  }
  expect(await service.kept()).toEqual(one)
})

test.each([
  [
    'what is no picture',
    415,
    { 'transfer-encoding': 'chunked' },
    Buffer.from('just text '.repeat(900)),
    undefined,
  ],
  ['a stranger', 401, { 'transfer-encoding': 'chunked' }, video(), 'a.b.c'],
  [
    'a form with nothing right',
    400,
    { 'transfer-encoding': 'chunked', 'content-type': 'multipart/form-data' },
    video(),
    undefined,
  ],
] as [string, number, Record<string, string>, Buffer, string | undefined][])(
  'the answer to %s comes while 30 MB are still on their way: %i',
  async (_who, status, headers, first, token) => {
    const before = await service.kept()
    const sent = await send(headers, pieces(30 * megabyte, first), token)
    expect(sent.status).toBe(status)
    expect(JSON.parse(sent.body).status).toBe(status)
    expect(await service.kept()).toEqual(before)
  },
)

test('an upload that is broken off leaves nothing, raw or in a form', async () => {
  const before = await service.kept()
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n`
  for (const [headers, first] of [
    [{}, video()],
    [formType, Buffer.concat([Buffer.from(head), video()])],
  ] as const) {
    const going = request(`${service.url}/api/media`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${alice.token}`,
        ...headers,
        'content-length': String(50 * megabyte),
      },
    })
    going.on('error', () => {})
    for (const piece of pieces(20 * megabyte, first)) going.write(piece)
    await waitUntil(async () => (await service.kept()).rows === before.rows + 1)
    going.destroy()
    await waitUntil(async () => (await service.kept()).rows === before.rows)
    expect(await service.kept()).toEqual(before)
  }
})

test('of one person eight uploads may be under way, of others more', async () => {
  const before = await service.kept()
  const bob = await service.person()
  const going = Array.from({ length: 8 }, () => {
    const one = request(`${service.url}/api/media`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bob.token}`, 'content-length': String(megabyte) },
    })
    one.on('error', () => {}).write(video(100_000))
    return one
  })
  await waitUntil(async () => (await service.kept()).rows === before.rows + 8)
  const jpeg = await picture(33, 20).jpeg().toBuffer()
  const refused = await service.upload(bob, jpeg)
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect((await service.upload(alice, jpeg)).status).toBe(201)
  going[0]?.destroy()
  await waitUntil(async () => (await service.upload(bob, jpeg)).status === 201)
  for (const one of going) one.destroy()
  await waitUntil(async () => (await service.kept()).rows === before.rows + 2)
})

test('a length that lies', async () => {
  const before = await service.kept()
  const bytes = await picture(30, 20).jpeg().toBuffer()
  const head = (length: number) =>
    `POST /api/media HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${alice.token}\r\ncontent-length: ${length}\r\n\r\n`
  const open = () => connect(Number(new URL(service.url).port), '127.0.0.1')

  const less = open()
  less.write(Buffer.concat([Buffer.from(head(bytes.length + 10_000)), bytes]))
  less.end()
  await once(less.resume(), 'close')
  await waitUntil(async () => (await service.kept()).rows === before.rows)
  expect(await service.kept()).toEqual(before)

  // What is beyond the length is another request, which nobody understands.
  const more = open()
  more.on('error', () => {})
  more.write(Buffer.concat([Buffer.from(head(bytes.length)), bytes, Buffer.alloc(9, 'x')]))
  await once(more.resume(), 'close')
  await waitUntil(async () => (await service.kept()).rows === before.rows + 1)
})

test('a body that stands still ends as 408, and the connection is there for the answer', async () => {
  const server = createServer(async (incoming, outgoing) => {
    const body = openBody(incoming, limit, 200)
    try {
      for await (const _ of body);
      outgoing.end('whole')
    } catch (error) {
      outgoing.statusCode = (error as { status: number }).status
      outgoing.end('still')
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const ask = async (waitMs: number) => {
    const going = request({ port, method: 'POST', headers: { 'content-length': '30' } })
    const answered = once(going, 'response') as Promise<[IncomingMessage]>
    for (let sent = 0; sent < 3; sent++) {
      going.write(Buffer.alloc(10))
      await sleep(waitMs)
    }
    const [answer] = await answered
    answer.resume()
    going.destroy()
    return answer.statusCode
  }
  // Slow is not still: each piece begins the time anew.
  expect(await ask(120)).toBe(200)
  expect(await ask(600)).toBe(408)
  server.closeAllConnections()
  server.close()
})

test('a client that goes once all is sent, while nobody reads, is noticed', async () => {
  const statuses: unknown[] = []
  const note = (error: unknown) => void statuses.push((error as { status?: number }).status)
  let came: IncomingMessage | undefined
  const server = createServer((incoming) => {
    came = incoming
    openBody(incoming, limit, 200).on('error', note)
    incoming.on('close', () => {
      // Or somebody begins to read only now.
      try {
        openBody(incoming, limit, 200)
      } catch (error) {
        note(error)
      }
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n${'a'.repeat(1000)}`)
  await waitUntil(() => came?.complete === true)
  client.destroy()
  await waitUntil(() => statuses.length === 2)
  expect(statuses).toEqual([400, 400])
  server.close()
})
