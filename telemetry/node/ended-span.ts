import type { Attributes, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api'

export type SpanEvent = { name: string; timeNanos: string; attributes: Attributes }

/** A finished span, ready to be encoded. Times are nanoseconds since 1970, as digits. */
export type EndedSpan = {
  context: SpanContext
  parent: SpanContext | undefined
  name: string
  kind: SpanKind
  startNanos: string
  endNanos: string
  attributes: Attributes
  events: SpanEvent[]
  links: Link[]
  status: SpanStatus
}
