import { context, propagation, SpanKind, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBaggageReader } from './baggage.ts'
import type { EndedSpan } from './ended-span.ts'
import { createRecorder } from './recorder.ts'
import { traceEmission, traceSocketEvent } from './socket.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const traceparent = `00-${traceId}-${spanId}-01`
let ended: EndedSpan[] = []

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
    }),
  )
  trace.setGlobalTracerProvider(
    createRecorder({ ended: (span) => ended.push(span), inherited: createBaggageReader(true) }),
  )
})
beforeEach(() => {
  ended = []
})
afterAll(() => {
  trace.disable()
  propagation.disable()
  context.disable()
})

const doNothing = async () => {}

test('an event is a SERVER span in the trace that it brings', async () => {
  const carrier = { traceparent, tracestate: 'phone=1' }
  await traceSocketEvent({ name: 'typing', carrier, userId: 'u1' }, doNothing)
  expect(ended[0]).toMatchObject({ name: 'typing', kind: SpanKind.SERVER, parent: { spanId } })
  expect(ended[0]?.context.traceId).toBe(traceId)
  expect(ended[0]?.context.traceState?.serialize()).toBe('phone=1')
  expect(ended[0]?.attributes).toEqual({
    'messaging.system': 'socket.io',
    'messaging.destination.name': 'typing',
    'user.id': 'u1',
  })
})

test.each([
  ['absent', undefined],
  ['null', null],
  ['text', 'traceparent'],
  ['a list', [traceparent]],
  ['without text', { traceparent: { a: 1 }, tracestate: 7, baggage: ['x'] }],
  ['malformed', { traceparent: '00-zz-zz-01', baggage: '==;,' }],
  ['full of zeros', { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01` }],
])('a context that is %s begins a trace of our own', async (_, carrier) => {
  await traceSocketEvent({ name: 'typing', carrier }, doNothing)
  expect(ended[0]?.parent).toBeUndefined()
})

test('of baggage, only what the gateway would let in goes on', async () => {
  const long = 'x'.repeat(129)
  const baggage = `clew.run=a,secret=b,clew.fault=slow,session.id=two%20words,clew.scenario=${long}`
  let went: unknown
  await traceSocketEvent({ name: 'typing', carrier: { traceparent, baggage } }, async () =>
    traceEmission('typing', 1, (carrier) => {
      went = carrier?.baggage
    }),
  )
  expect(went).toBe('clew.run=a,clew.fault=slow')
  for (const span of ended) {
    expect(span.attributes).toMatchObject({ 'clew.run': 'a', 'clew.fault': 'slow' })
    expect(span.attributes).not.toHaveProperty('session.id')
    expect(span.attributes).not.toHaveProperty('clew.scenario')
  }
})

test('an emission is a PRODUCER span, and every receiver gets its context', async () => {
  let went: unknown
  await traceSocketEvent({ name: 'message:send', carrier: { traceparent } }, async () =>
    traceEmission('message:new', 3, (carrier) => {
      went = carrier
    }),
  )
  const [emission, event] = ended
  expect(emission).toMatchObject({
    name: 'publish message:new',
    kind: SpanKind.PRODUCER,
    parent: { spanId: event?.context.spanId },
    attributes: {
      'messaging.system': 'socket.io',
      'messaging.destination.name': 'message:new',
      'messaging.batch.message_count': 3,
    },
  })
  expect(went).toEqual({ traceparent: `00-${traceId}-${emission?.context.spanId}-01` })
})

test('a connection is linked to, not continued', async () => {
  const link = { traceId, spanId, traceFlags: 1 }
  await traceSocketEvent({ name: 'disconnect', link }, doNothing)
  expect(ended[0]).toMatchObject({ parent: undefined, links: [{ context: link }] })
})

test('what goes wrong is on the span, and goes on', async () => {
  const wrong = traceSocketEvent({ name: 'sync' }, async () => {
    throw new TypeError('private words')
  })
  await expect(wrong).rejects.toThrow('private words')
  expect(ended[0]?.attributes['error.type']).toBe('TypeError')
  expect(JSON.stringify(ended[0])).not.toContain('private words')
})
