import { cut } from './format.ts'

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

export type Span = {
  traceId: string
  id: string
  /** Empty for a root. */
  parentId: string
  service: string
  /** Which process of the service, as `service.instance.id` says; empty when it says nothing. */
  instance: string
  name: string
  kind: SpanKind
  /** Microseconds since the trace's first span started. */
  start: number
  /** Microseconds since the trace's first span started; never before `start`. */
  end: number
  /** Its clock counts whole milliseconds, as that of NGINX does. */
  coarse: boolean
  failed: boolean
  statusMessage: string
  attributes: Record<string, unknown>
  exceptions: { type: string; message: string }[]
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
  traceId?: string
  spanId?: string
  parentSpanId?: string
  name?: string
  kind?: number | string
  startTimeUnixNano?: string | number
  endTimeUnixNano?: string | number
  attributes?: KeyValue[]
  events?: { name?: string; attributes?: KeyValue[] }[]
  links?: { traceId?: string; spanId?: string }[]
  status?: { code?: number | string; message?: string }
}
export type ResourceSpans = {
  resource?: { attributes?: KeyValue[] }
  scopeSpans?: { spans?: OtlpSpan[] }[]
}

const longestPath = 40
const kinds: SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer']

/**
 * Reads spans from OTLP JSON, as numbers or names of enums, once each (a store may hold a span twice).
 * Times become microseconds from the first start, exact to the nanosecond; a span without a time
 * stands at the start and counts as instant.
 */
export function toSpans(resourceSpans: ResourceSpans[]): Span[] {
  const found = resourceSpans.flatMap((resource) => {
    const said = toRecord(resource.resource?.attributes)
    const service = printable(String(said['service.name'] ?? 'unknown'))
    const instance = printable(String(said['service.instance.id'] ?? ''))
    return spansOf(resource).map((span) => ({
      source: { service, instance },
      span,
      start: startOf(span),
    }))
  })
  const first = found.reduce(
    (least, { start }) => (start > 0n && (least === 0n || start < least) ? start : least),
    0n,
  )
  const spans = new Map<string, Span>()
  for (const { source, span, start } of found) {
    const read = toSpan(span, source, start === 0n ? 0 : Number(start - first) / 1000, first)
    const key = `${read.traceId} ${read.id} ${source.service} ${read.name} ${start}`
    if (!spans.has(key)) spans.set(key, read)
  }
  return [...spans.values()].sort((a, b) => a.start - b.start)
}

/** Whether what these spans add up to is known in whole milliseconds only. */
export function isCoarse(spans: Span[]): boolean {
  return spans.every((span) => span.coarse)
}

/** When the last span ended, in milliseconds since 1970. */
export function lastEnd(resourceSpans: ResourceSpans[]): number {
  let last = 0
  for (const span of resourceSpans.flatMap(spansOf)) {
    last = Math.max(last, Number(span.endTimeUnixNano ?? 0) / 1e6)
  }
  return last
}

function spansOf(resource: ResourceSpans): OtlpSpan[] {
  return (resource.scopeSpans ?? []).flatMap((scope) => scope.spans ?? [])
}

type Source = Pick<Span, 'service' | 'instance'>

function toSpan(span: OtlpSpan, source: Source, start: number, first: bigint): Span {
  const end = BigInt(span.endTimeUnixNano || 0)
  const events = (span.events ?? []).filter((event) => event.name === 'exception')
  const kind = toKind(span.kind)
  const attributes = toRecord(span.attributes)
  return {
    traceId: span.traceId ?? '',
    id: span.spanId ?? '',
    parentId: span.parentSpanId ?? '',
    ...source,
    name: nameOf(span.name ?? '', kind, attributes),
    kind,
    start,
    end: Math.max(start, end === 0n ? start : Number(end - first) / 1000),
    coarse: startOf(span) % 1_000_000n === 0n && end % 1_000_000n === 0n,
    failed: span.status?.code === 2 || span.status?.code === 'STATUS_CODE_ERROR',
    statusMessage: printable(span.status?.message ?? ''),
    attributes,
    exceptions: events.map((event) => {
      const read = toRecord(event.attributes)
      return {
        type: printable(String(read['exception.type'] ?? '')),
        message: printable(String(read['exception.message'] ?? '')),
      }
    }),
    links: (span.links ?? []).map((link) => ({
      traceId: link.traceId ?? '',
      spanId: link.spanId ?? '',
    })),
  }
}

/** A request that matched no route is named by its method only; who looks at it wants its path. */
function nameOf(given: string, kind: SpanKind, attributes: Record<string, unknown>): string {
  const name = printable(given) || 'unnamed'
  const path = attributes['url.path']
  const routed = kind !== 'server' || attributes['http.route'] !== undefined || name.includes('/')
  return routed || typeof path !== 'string' ? name : `${name} ${cut(path, longestPath)}`
}

function startOf(span: OtlpSpan): bigint {
  return BigInt(span.startTimeUnixNano || 0)
}

function toKind(kind: number | string | undefined): SpanKind {
  if (typeof kind === 'number') return kinds[kind] ?? 'internal'
  const name = (kind ?? '').replace('SPAN_KIND_', '').toLowerCase()
  return kinds.find((known) => known === name) ?? 'internal'
}

function toRecord(attributes: KeyValue[] | undefined): Record<string, unknown> {
  return Object.fromEntries((attributes ?? []).map(({ key, value }) => [key, toValue(value)]))
}

function toValue(value: AnyValue | undefined): unknown {
  if (value?.intValue !== undefined) return Number(value.intValue)
  if (value?.arrayValue) return (value.arrayValue.values ?? []).map(toValue)
  if (value?.stringValue !== undefined) return printable(value.stringValue)
  return value?.boolValue ?? value?.doubleValue
}

/** Names and attributes come from anywhere; a control character must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

/** What the caller was told: the status of an HTTP answer, or of the problem that an event met. 0 for neither. */
export function statusOf({ attributes }: Span): number {
  return Number(attributes['http.response.status_code'] ?? attributes['clew.problem.status'] ?? 0)
}
