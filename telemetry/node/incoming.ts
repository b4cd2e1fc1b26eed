import type { IncomingHttpHeaders } from 'node:http'
import {
  type Context,
  createTraceState,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api'
import { withSpan } from './span-context.ts'

// As W3C Trace Context writes it. Zero ids are invalid, and only versions after 00 may append fields.
const traceparent =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/
const length00 = 55

/**
 * The context a request brings: what the stock propagators make of it, in a third of the time,
 * because nearly every request has a `traceparent` alone.
 */
export function incomingContext(headers: IncomingHttpHeaders): Context {
  const carried = headers.baggage ? propagation.extract(ROOT_CONTEXT, headers) : ROOT_CONTEXT
  const parent = headers.traceparent
  if (typeof parent !== 'string' || !isTraceparent(parent)) {
    return carried === ROOT_CONTEXT ? carried : trace.deleteSpan(carried)
  }
  const spanContext: SpanContext = {
    traceId: parent.slice(3, 35),
    spanId: parent.slice(36, 52),
    traceFlags: Number.parseInt(parent.slice(53, 55), 16) & 1,
    isRemote: true,
  }
  const { tracestate } = headers
  if (typeof tracestate === 'string') spanContext.traceState = createTraceState(tracestate)
  return withSpan(carried, trace.wrapSpanContext(spanContext))
}

function isTraceparent(text: string): boolean {
  return traceparent.test(text) && (text.length === length00 || !text.startsWith('00'))
}
