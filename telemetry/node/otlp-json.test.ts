import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import type { EndedSpan } from './ended-span.ts'
import { encodeEnvelope, encodeSpan } from './otlp-json.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const bare: EndedSpan = {
  context: { traceId, spanId: 'b7ad6b7169203331', traceFlags: 1 },
  parent: undefined,
  name: 'GET /',
  kind: SpanKind.SERVER,
  startNanos: '1763716800000000001',
  endNanos: '1763716800000000002',
  attributes: {},
  events: [],
  links: [],
  status: { code: SpanStatusCode.UNSET },
}

test('a span is OTLP/JSON, with every kind of value', () => {
  const attributes = {
    text: 'line\n"quoted" \u2028 ü',
    whole: 7,
    half: 0.5,
    none: Number.NaN,
    yes: true,
    list: ['a', 'b'],
  }
  expect(JSON.parse(encodeSpan({ ...bare, attributes })).attributes).toEqual([
    { key: 'text', value: { stringValue: 'line\n"quoted" \u2028 ü' } },
    { key: 'whole', value: { intValue: '7' } },
    { key: 'half', value: { doubleValue: 0.5 } },
    { key: 'none', value: { doubleValue: 'NaN' } },
    { key: 'yes', value: { boolValue: true } },
    {
      key: 'list',
      value: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } },
    },
  ])
})

test('parent, event, link and status are there when they are there', () => {
  const parent = { traceId, spanId: '00f067aa0ba902b7', traceFlags: 1, isRemote: true }
  const full = JSON.parse(
    encodeSpan({
      ...bare,
      parent,
      events: [{ name: 'exception', timeNanos: '1763716800000000003', attributes: { a: 1 } }],
      links: [{ context: parent, attributes: { b: 2 } }],
      status: { code: SpanStatusCode.ERROR, message: 'no' },
    }),
  )
  expect(full).toMatchObject({
    traceId,
    parentSpanId: '00f067aa0ba902b7',
    kind: 2,
    // Sampled, and the parent is known to be in another process.
    flags: 0x301,
    startTimeUnixNano: '1763716800000000001',
    events: [{ name: 'exception', timeUnixNano: '1763716800000000003' }],
    links: [{ traceId, spanId: '00f067aa0ba902b7' }],
    status: { code: 2, message: 'no' },
  })
  expect(JSON.parse(encodeSpan(bare))).not.toHaveProperty('parentSpanId')
})

test('the envelope closes around spans', () => {
  const { head, tail } = encodeEnvelope({ 'service.name': 'auth' }, 'scope')
  const { resourceSpans } = JSON.parse(`${head}${encodeSpan(bare)}${tail}`)
  expect(resourceSpans[0].scopeSpans[0].spans[0].name).toBe('GET /')
  expect(resourceSpans[0].resource.attributes).toEqual([
    { key: 'service.name', value: { stringValue: 'auth' } },
  ])
})
