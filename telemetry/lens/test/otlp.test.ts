import { readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { gzipSync } from 'node:zlib'
import protobuf from 'protobufjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Lens, makeSpan, openFolder, openLens, spanIdOf, toBody, traceIdOf } from './lens.ts'

let folder: Awaited<ReturnType<typeof openFolder>>
let lens: Lens

beforeEach(async () => {
  folder = await openFolder()
  lens = await openLens(folder.path, { mostWaitingBytes: 12 * 1_048_576 })
})
afterEach(async () => {
  await lens[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const source = new URL('../src/otlp/otlp.proto', import.meta.url)
const { root } = protobuf.parse(readFileSync(source, 'utf8'))
const protobufType = { 'content-type': 'application/x-protobuf' }

function encode(message: object): Uint8Array<ArrayBuffer> {
  const type = root.lookupType('otlp.TracesData')
  return Uint8Array.from(type.encode(type.fromObject(message)).finish())
}

const hex = (text: string) => Buffer.from(text, 'hex')

describe('refuses with the reason, and stays up', () => {
  const refused: [string, string | Uint8Array<ArrayBuffer>, Record<string, string>, number][] = [
    ['no JSON', '{"resourceSpans":[', {}, 400],
    ['JSON that is no object', '[]', {}, 400],
    ['an empty body', '', {}, 400],
    ['a list that is none', '{"resourceSpans":7}', {}, 400],
    ['an inner list that is none', '{"resourceSpans":[{"scopeSpans":{}}]}', {}, 400],
    ['a null where an object belongs', '{"resourceSpans":[null]}', {}, 400],
    ['no protobuf', Uint8Array.of(255, 255, 255, 255), protobufType, 400],
    ['no gzip', 'plain', { 'content-encoding': 'gzip' }, 400],
    ['an unknown encoding', '{}', { 'content-encoding': 'br' }, 415],
    ['an unknown type', '{}', { 'content-type': 'text/plain' }, 415],
    ['too large a body', 'x'.repeat(17 * 1_048_576), {}, 413],
    [
      'a small body that unzips to a large one',
      Uint8Array.from(gzipSync(' '.repeat(17 * 1_048_576))),
      { 'content-encoding': 'gzip' },
      413,
    ],
  ]
  test.each(refused)('%s', async (_, body, headers, status) => {
    const answer = await lens.post(body, headers)
    expect(answer.status).toBe(status)
    expect(answer.text.length).toBeGreaterThan(10)
    await lens.send([makeSpan(1, 1)])
    expect(lens.counters.read()).toMatchObject({ refusedRequests: 1, stored: 1 })
  })

  test('other paths and methods', async () => {
    const metrics = lens.tracesUrl.replace('traces', 'metrics')
    expect((await fetch(metrics, { method: 'POST' })).status).toBe(404)
    expect((await fetch(lens.tracesUrl)).status).toBe(405)
  })

  test('a body without an announced length that grows too large', async () => {
    const { port } = new URL(lens.tracesUrl)
    const socket = createConnection(Number(port), '127.0.0.1')
    socket.write(
      'POST /v1/traces HTTP/1.1\r\nHost: lens\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    const piece = `100000\r\n${' '.repeat(0x100000)}\r\n`
    for (let at = 0; at < 18; at++) socket.write(piece)
    const answer = await new Promise<string>((resolve) => {
      let text = ''
      socket.on('data', (chunk) => (text += chunk))
      socket.on('error', () => resolve(text))
      socket.on('close', () => resolve(text))
    })
    expect(answer).toContain('413')
  })
})

describe('keeps the rest of a batch', () => {
  test.each([
    ['a short trace id', { traceId: 'abc' }],
    ['a zero trace id', { traceId: '0'.repeat(32) }],
    ['no span id', { spanId: undefined }],
    ['a span id that is no hexadecimal', { spanId: 'zzzzzzzzzzzzzzzz' }],
    ['a parent that is no id', { parentSpanId: 'parent' }],
    ['a name that is no text', { name: 7 }],
    ['a kind of the future that is no number', { kind: 'SPAN_KIND_QUANTUM' }],
    ['a time that is no number', { startTimeUnixNano: 'yesterday' }],
    ['a time below zero', { endTimeUnixNano: -1 }],
    ['attributes that are no list', { attributes: 'none' }],
    ['a null in place of a span', null],
  ])('beside %s', async (_, fields) => {
    const bad = fields && { ...makeSpan(1, 2), ...fields }
    const spans = [makeSpan(1, 1), bad, makeSpan(1, 3)]
    const { status, text } = await lens.post(toBody(spans as never))
    expect(status).toBe(200)
    const { partialSuccess } = JSON.parse(text)
    expect(partialSuccess).toEqual({ rejectedSpans: '1', errorMessage: expect.any(String) })
    expect(await lens.spansOf(traceIdOf(1))).toHaveLength(2)
    expect(lens.counters.read()).toMatchObject({ received: 3, stored: 2, rejected: 1 })
  })

  test('takes what other exporters may send: upper case, names of kinds, numbers, unknown fields', async () => {
    const span = {
      ...makeSpan(0xabc, 0xdef),
      traceId: traceIdOf(0xabc).toUpperCase(),
      spanId: spanIdOf(0xdef).toUpperCase(),
      parentSpanId: '',
      kind: 'SPAN_KIND_CLIENT',
      startTimeUnixNano: 1_700_000_000_000_000_000,
      fieldOfTheFuture: { a: 1 },
    }
    expect((await lens.post(toBody([span] as never))).text).toBe('{"partialSuccess":{}}')
    expect(await lens.spansOf(traceIdOf(0xabc))).toMatchObject([
      { spanId: spanIdOf(0xdef), kind: 3 },
    ])
    expect(await lens.summaries()).toMatchObject([{ orphanSpanCount: 0 }])
  })

  test('takes odd attributes and answers every query with them', async () => {
    const attributes = [null, {}, { key: 'a' }, { key: 'b', value: null }, 7] as never
    await lens.send([makeSpan(1, 1, { attributes, status: null as never })])
    expect((await lens.get(`/api/traces/${traceIdOf(1)}`)).status).toBe(200)
    const query = `query.attributes=${encodeURIComponent('{"a":"1"}')}`
    expect(await lens.summaries(query)).toEqual([])
  })
})

describe('protobuf', () => {
  test('is stored as the JSON it stands for', async () => {
    const values = {
      text: { stringValue: 'é' },
      flag: { boolValue: false },
      count: { intValue: '-9007199254740993' },
      share: { doubleValue: 0.5 },
      list: { arrayValue: { values: [{ stringValue: 'x' }, { intValue: '1' }] } },
      map: { kvlistValue: { values: [{ key: 'k', value: { boolValue: true } }] } },
      bytes: { bytesValue: Buffer.from('raw') },
    }
    const attributes = Object.entries(values).map(([key, value]) => ({ key, value }))
    const span = {
      traceId: hex(traceIdOf(0xfeed)),
      spanId: hex(spanIdOf(0xbeef)),
      parentSpanId: hex(spanIdOf(1)),
      name: 'SELECT users',
      kind: 3,
      startTimeUnixNano: '1700000000123456789',
      endTimeUnixNano: '1700000000123456790',
      attributes,
      events: [{ name: 'exception', timeUnixNano: '1700000000123456789' }],
      links: [{ traceId: hex(traceIdOf(2)), spanId: hex(spanIdOf(2)) }],
      status: { code: 2, message: 'no' },
    }
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'profile' } }] }
    const body = encode({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] })
    const answer = await lens.post(body, protobufType)
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(answer.headers.get('content-type')).toBe('application/x-protobuf')
    expect(await lens.spansOf(traceIdOf(0xfeed))).toEqual([
      {
        ...span,
        traceId: traceIdOf(0xfeed),
        spanId: spanIdOf(0xbeef),
        parentSpanId: spanIdOf(1),
        links: [{ traceId: traceIdOf(2), spanId: spanIdOf(2) }],
        attributes: attributes.map(({ key, value }) => ({
          key,
          value: key === 'bytes' ? { bytesValue: 'cmF3' } : value,
        })),
      },
    ])
    expect(await lens.summaries('query.serviceName=profile')).toMatchObject([{ errorSpanCount: 1 }])
  })

  test('counts what it had to leave out in its own answer', async () => {
    const spans = [
      { traceId: hex('00'), spanId: hex(spanIdOf(1)), name: 'bad' },
      { traceId: hex(traceIdOf(1)), spanId: hex(spanIdOf(1)), name: 'good' },
    ]
    const body = encode({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
    const response = await fetch(lens.tracesUrl, { method: 'POST', headers: protobufType, body })
    const answer = root.lookupType('otlp.TracesAnswer').decode(await response.bytes())
    expect(JSON.parse(JSON.stringify(answer))).toEqual({
      partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('traceId') },
    })
    expect(await lens.spansOf(traceIdOf(1))).toHaveLength(1)
  })
})

describe('9: when behind, lens says so and never loses what it took', () => {
  test('503 with Retry-After while too much is under way', async () => {
    const large = toBody([makeSpan(1, 1)]) + ' '.repeat(7 * 1_048_576)
    const answers = await Promise.all([1, 2, 3, 4].map(() => lens.post(large)))
    const refused = answers.filter(({ status }) => status === 503)
    expect(refused.length).toBeGreaterThan(0)
    for (const { headers } of refused) expect(headers.get('retry-after')).toBe('1')
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
  })

  test('what is under way counts by what it is, not by what it was zipped to', async () => {
    const [written, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    await lens[Symbol.asyncDispose]()
    lens = await openLens(folder.path, {
      mostWaitingBytes: 12 * 1_048_576,
      wrapStore: (store) => ({
        ...store,
        async add(groups) {
          written.resolve()
          await release.promise
          return store.add(groups)
        },
      }),
    })
    const large = gzipSync(toBody([makeSpan(1, 1)]) + ' '.repeat(7 * 1_048_576))
    const first = lens.post(large, { 'content-encoding': 'gzip' })
    await written.promise
    expect((await lens.post(large, { 'content-encoding': 'gzip' })).status).toBe(503)
    release.resolve()
    expect((await first).status).toBe(200)
    expect((await lens.post(large, { 'content-encoding': 'gzip' })).status).toBe(200)
  })

  test('503 with Retry-After when the transaction fails, and nothing half-written', async () => {
    const { DatabaseSync } = await import('node:sqlite')
    using other = new DatabaseSync(`${folder.path}/traces.db`)
    await lens.send([makeSpan(1, 1)])
    other.exec(`create trigger full before insert on edge begin select raise(abort, 'full'); end`)
    const spans = [makeSpan(1, 2, { parent: 1 }), makeSpan(2, 1)]
    const refused = await lens.post(toBody(spans, 'profile'))
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    other.exec('drop trigger full')
    expect(await lens.spansOf(traceIdOf(1))).toHaveLength(1)
    expect(lens.counters.read()).toMatchObject({ stored: 1, traces: 1, spans: 1 })
    await lens.send(spans, 'profile')
    expect(await lens.spansOf(traceIdOf(1))).toHaveLength(2)
    expect(await lens.spansOf(traceIdOf(2))).toHaveLength(1)
    expect(lens.counters.read()).toMatchObject({ stored: 3, duplicate: 0, traces: 2, spans: 3 })
  })
})

test('a trace takes 200,000 spans, and what is more is refused by count', async () => {
  const perRequest = 10_000
  for (let sent = 0; sent < 200_000; sent += perRequest) {
    await lens.send(Array.from({ length: perRequest }, (_, index) => makeSpan(1, sent + index + 1)))
  }
  const answer = await lens.post(toBody([makeSpan(1, 200_001), makeSpan(1, 1), makeSpan(2, 1)]))
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.text).partialSuccess).toEqual({
    rejectedSpans: '1',
    errorMessage: 'a trace holds at most 200000 spans',
  })
  expect(lens.counters.read()).toMatchObject({ stored: 200_001, rejected: 1, duplicate: 1 })
})
