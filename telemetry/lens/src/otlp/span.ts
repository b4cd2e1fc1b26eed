import type { Span } from './shape.ts'

const traceIdForm = /^[0-9a-f]{32}$/
const spanIdForm = /^[0-9a-f]{16}$/
const nanosForm = /^\d{1,20}$/
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)
const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']

/**
 * Says what is wrong with a span, or nothing. Ids are put into lower case and kinds into numbers
 * on the way, so that everything behind this point can rely on one spelling.
 */
export function faultOf(span: Span): string | undefined {
  if (typeof span !== 'object' || span === null) return 'A span is not an object.'
  if (!traceIdForm.test(span.traceId)) {
    span.traceId = lower(span.traceId)
    if (!traceIdForm.test(span.traceId)) return 'A traceId is not 32 hexadecimal digits.'
  }
  if (!spanIdForm.test(span.spanId)) {
    span.spanId = lower(span.spanId)
    if (!spanIdForm.test(span.spanId)) return 'A spanId is not 16 hexadecimal digits.'
  }
  if (span.traceId === noTrace) return 'A traceId is all zero.'
  if (span.spanId === noSpan) return 'A spanId is all zero.'
  if (span.parentSpanId !== undefined && !settleParent(span)) {
    return 'A parentSpanId is not 16 hexadecimal digits.'
  }
  if (typeof span.name !== 'string') {
    if (span.name !== undefined) return 'A name is not text.'
    span.name = ''
  }
  if (typeof span.kind !== 'number' && !settleKind(span)) return 'A kind is unknown.'
  if (!isTime(span.startTimeUnixNano)) return 'A startTimeUnixNano is not a count of nanoseconds.'
  if (!isTime(span.endTimeUnixNano)) return 'An endTimeUnixNano is not a count of nanoseconds.'
  if (!isList(span.attributes)) return 'The attributes of a span are not a list.'
  if (!isList(span.events)) return 'The events of a span are not a list.'
  if (!isList(span.links)) return 'The links of a span are not a list.'
  return undefined
}

function settleParent(span: Span): boolean {
  if (spanIdForm.test(span.parentSpanId!)) {
    if (span.parentSpanId === noSpan) delete span.parentSpanId
    return true
  }
  const parent = lower(span.parentSpanId)
  if (parent === '') delete span.parentSpanId
  else span.parentSpanId = parent
  return parent === '' || spanIdForm.test(parent)
}

function settleKind(span: Span): boolean {
  if (span.kind === undefined) return true
  const kind = kinds.indexOf(String(span.kind).replace(/^SPAN_KIND_/, ''))
  if (kind >= 0) span.kind = kind
  return kind >= 0
}

function isTime(value: unknown): boolean {
  if (typeof value === 'string') return nanosForm.test(value) || value === ''
  if (typeof value === 'number') return value >= 0 && Number.isFinite(value)
  return value === undefined
}

function isList(value: unknown): boolean {
  return value === undefined || Array.isArray(value)
}

function lower(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : value == null ? '' : '?'
}
