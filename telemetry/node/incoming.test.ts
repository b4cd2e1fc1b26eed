import { propagation, trace } from '@opentelemetry/api'
import { W3CBaggagePropagator } from '@opentelemetry/core'
import { beforeAll, describe, expect, test } from 'vitest'
import { incomingContext } from './incoming.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

const read = (traceparent?: string) =>
  trace.getSpanContext(incomingContext(traceparent === undefined ? {} : { traceparent }))

describe('a traceparent is continued', () => {
  test('with its flags', () => {
    const remote = { traceId, spanId, isRemote: true }
    expect(read(`00-${traceId}-${spanId}-01`)).toEqual({ ...remote, traceFlags: 1 })
    expect(read(`00-${traceId}-${spanId}-00`)).toEqual({ ...remote, traceFlags: 0 })
  })

  test('of a later version, which may say more', () => {
    expect(read(`01-${traceId}-${spanId}-01-more`)).toMatchObject({ traceId, spanId })
  })
})

test.each([
  ['absent', undefined],
  ['empty', ''],
  ['of version 00 but longer', `00-${traceId}-${spanId}-01-more`],
  ['of the forbidden version', `ff-${traceId}-${spanId}-01`],
  ['with a trace id of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
  ['with a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['in capitals', `00-${traceId.toUpperCase()}-${spanId}-01`],
  ['too short', `00-${traceId}-${spanId}`],
])('one that is %s begins a trace of our own', (_, traceparent) => {
  expect(read(traceparent)).toBeUndefined()
})

describe('with baggage', () => {
  beforeAll(() => {
    propagation.setGlobalPropagator(new W3CBaggagePropagator())
    return () => propagation.disable()
  })

  test('both are kept', () => {
    const headers = { traceparent: `00-${traceId}-${spanId}-01`, baggage: 'clew.run=a' }
    const context = incomingContext(headers)
    expect(trace.getSpanContext(context)).toMatchObject({ traceId })
    expect(propagation.getBaggage(context)?.getEntry('clew.run')?.value).toBe('a')
  })
})
