import { readInstant } from '../store/instant.ts'
import type { PackedSpan } from '../store/pack.ts'
import { errorStatus, type Span } from './shape.ts'
import { faultOf } from './span.ts'

/** What lens itself knows of a span, and where its JSON text stands in the body of the request. */
export type SpanRecord = PackedSpan & {
  traceId: string
  name: string
  kind: number
  /** Its place among the spans of its list, by which neighbours are known. */
  place: number
  from: number
  to: number
  /** Its text when that is not the one in the body, because it had to be put into lens' spelling. */
  text: Buffer | undefined
}

/**
 * Makes a record of a span in an unusual spelling: upper case ids, names of kinds, times as numbers.
 * @returns the fault as text when it is no span
 */
export function settleSpan(json: string, record: SpanRecord): SpanRecord | string {
  const span: Span = JSON.parse(json, (_, value) => (value === null ? undefined : value))
  const fault = faultOf(span)
  if (fault) return fault
  return {
    ...record,
    traceId: span.traceId,
    id: span.spanId,
    parent: span.parentSpanId ?? '',
    name: span.name,
    kind: span.kind ?? 0,
    error: span.status?.code === errorStatus,
    start: readInstant(span.startTimeUnixNano),
    end: readInstant(span.endTimeUnixNano),
    text: Buffer.from(JSON.stringify(span)),
  }
}
