import type { AttributeType } from '@clew/conventions/attributes'

export type SpanKind = 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER'
export type Value = string | number | boolean | Value[] | undefined
/** A value with the type it had on the wire. */
export type Typed = { type: AttributeType | 'other'; value: Value }
export type TypedAttributes = Record<string, Typed>

/** A span as it is stored: what tests ask about, and nothing else. Times are epoch nanoseconds. */
export type TraceSpan = {
  traceId: string
  id: string
  /** Empty when it has none. */
  parentId: string
  service: string
  name: string
  kind: SpanKind
  start: bigint
  end: bigint
  status: 'unset' | 'ok' | 'error'
  attributes: TypedAttributes
  resource: TypedAttributes
  events: { name: string; attributes: TypedAttributes }[]
  links: { traceId: string; spanId: string }[]
}

type AnyValue = {
  stringValue?: string
  boolValue?: boolean
  intValue?: string | number
  doubleValue?: number
  arrayValue?: { values?: AnyValue[] }
}
type KeyValue = { key: string; value?: AnyValue }
type OtlpSpan = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name?: string
  kind?: number | string
  startTimeUnixNano?: string | number
  endTimeUnixNano?: string | number
  attributes?: KeyValue[]
  events?: { name?: string; attributes?: KeyValue[] }[]
  links?: { traceId?: string; spanId?: string }[]
  status?: { code?: number | string }
}
export type ResourceSpans = {
  resource?: { attributes?: KeyValue[] }
  scopeSpans?: { spans?: OtlpSpan[] }[]
}

const kinds: SpanKind[] = ['INTERNAL', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']

/** Reads OTLP JSON, with enums as numbers or names; spans come in the order they started. */
export function toTraceSpans(resourceSpans: ResourceSpans[]): TraceSpan[] {
  const spans = resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const shared = toTyped(resource?.attributes)
    return scopeSpans.flatMap((scope) => (scope.spans ?? []).map((span) => toSpan(span, shared)))
  })
  return spans.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))
}

function toSpan(span: OtlpSpan, resource: TypedAttributes): TraceSpan {
  return {
    traceId: span.traceId,
    id: span.spanId,
    parentId: span.parentSpanId ?? '',
    service: String(resource['service.name']?.value ?? 'unknown'),
    name: span.name ?? '',
    kind: toKind(span.kind),
    start: BigInt(span.startTimeUnixNano ?? 0),
    end: BigInt(span.endTimeUnixNano ?? 0),
    status: toStatus(span.status?.code),
    attributes: toTyped(span.attributes),
    resource,
    events: (span.events ?? []).map((event) => ({
      name: event.name ?? '',
      attributes: toTyped(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: link.traceId ?? '',
      spanId: link.spanId ?? '',
    })),
  }
}

function toKind(kind: number | string = 0): SpanKind {
  if (typeof kind === 'number') return kinds[kind] ?? 'INTERNAL'
  return kinds.find((known) => kind === `SPAN_KIND_${known}`) ?? 'INTERNAL'
}

function toStatus(code: number | string = 0): TraceSpan['status'] {
  if (code === 2 || code === 'STATUS_CODE_ERROR') return 'error'
  return code === 1 || code === 'STATUS_CODE_OK' ? 'ok' : 'unset'
}

function toTyped(attributes: KeyValue[] = []): TypedAttributes {
  return Object.fromEntries(attributes.map(({ key, value = {} }) => [key, readValue(value)]))
}

function readValue(value: AnyValue): Typed {
  if (value.stringValue !== undefined) return { type: 'string', value: value.stringValue }
  if (value.boolValue !== undefined) return { type: 'boolean', value: value.boolValue }
  if (value.intValue !== undefined) return { type: 'int', value: Number(value.intValue) }
  if (value.doubleValue !== undefined) return { type: 'double', value: value.doubleValue }
  const values = value.arrayValue?.values?.map(readValue)
  if (values?.every(({ type }) => type === 'string')) {
    return { type: 'string[]', value: values.map((entry) => entry.value) }
  }
  return { type: 'other', value: undefined }
}
