import { serviceName } from '../otlp/batch.ts'
import {
  type AnyValue,
  errorStatus,
  type KeyValue,
  type Resource,
  type ResourceSpans,
  type Scope,
  type Span,
} from '../otlp/shape.ts'
import { readInstant } from '../store/instant.ts'
import { plainOf, stringOf } from './attributes.ts'
import { kinds } from './reader.ts'

type Tag = { key: string; type: string; value: unknown }

/** A trace in the form of Jaeger's own trace page, which predates OTLP: microseconds, tags, processes. */
export function toLegacyTrace(traceID: string, resourceSpans: ResourceSpans[]) {
  const processes: Record<string, { serviceName: string; tags: Tag[] }> = {}
  const ids = new Map<string, string>()
  const processOf = (resource: Resource | undefined): string => {
    const key = JSON.stringify(resource ?? {})
    const known = ids.get(key)
    if (known) return known
    const id = `p${ids.size + 1}`
    ids.set(key, id)
    const attributes = listOf(resource?.attributes)
    const others = attributes.filter(({ key }) => key !== 'service.name')
    processes[id] = { serviceName: serviceName(attributes), tags: others.map(toTag) }
    return id
  }
  const spans = resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const processID = processOf(resource)
    return (scopeSpans ?? []).flatMap(({ scope, spans }) =>
      (spans ?? []).map((span) => toLegacySpan(span, scope, processID)),
    )
  })
  return { traceID, spans, processes, warnings: null }
}

function toLegacySpan(span: Span, scope: Scope | undefined, processID: string) {
  const { traceId: traceID, spanId: spanID } = span
  const start = readInstant(span.startTimeUnixNano)
  const end = readInstant(span.endTimeUnixNano)
  const nanos = (end.micros - start.micros) * 1_000 + end.rest - start.rest
  return {
    traceID,
    spanID,
    operationName: span.name,
    references: referencesOf(span),
    startTime: start.micros,
    duration: Math.max(0, Math.floor(nanos / 1_000)),
    tags: tagsOf(span, scope),
    logs: (span.events ?? []).map((event) => ({
      timestamp: readInstant(event.timeUnixNano).micros,
      fields: [
        { key: 'event', type: 'string', value: event.name ?? '' },
        ...listOf(event.attributes).map(toTag),
      ],
    })),
    processID,
    warnings: warningsOf(start.micros, nanos),
  }
}

function referencesOf({ traceId: traceID, parentSpanId, links }: Span) {
  const parent = { refType: 'CHILD_OF', traceID, spanID: parentSpanId }
  const others = (links ?? []).map((link) => ({
    refType: 'FOLLOWS_FROM',
    traceID: link.traceId,
    spanID: link.spanId,
  }))
  return parentSpanId ? [parent, ...others] : others
}

function tagsOf(span: Span, scope: Scope | undefined): Tag[] {
  const tags: Tag[] = []
  const text = (key: string, value: string | undefined) => {
    if (value) tags.push({ key, type: 'string', value })
  }
  text('otel.scope.name', scope?.name)
  text('otel.scope.version', scope?.version)
  for (const attribute of listOf(span.attributes)) tags.push(toTag(attribute))
  if (span.kind) text('span.kind', kinds[span.kind])
  if (span.status?.code === errorStatus) {
    text('otel.status_code', 'ERROR')
    tags.push({ key: 'error', type: 'bool', value: true })
  } else if (span.status?.code === 1) text('otel.status_code', 'OK')
  text('otel.status_description', span.status?.message)
  text('w3c.tracestate', span.traceState)
  return tags
}

function warningsOf(start: number, nanos: number): string[] | null {
  if (start === 0) return ['The span has no start time.']
  if (nanos < 0) return ['The span ends before it starts.']
  return null
}

function listOf(attributes: KeyValue[] | undefined): KeyValue[] {
  return Array.isArray(attributes) ? attributes.filter((attribute) => attribute?.key) : []
}

function toTag({ key, value }: KeyValue): Tag {
  const type = typeOf(value)
  return { key, type, value: type === 'string' ? stringOf(value) : plainOf(value) }
}

function typeOf(value: AnyValue | undefined): string {
  if (value?.boolValue !== undefined) return 'bool'
  if (value?.intValue !== undefined) return 'int64'
  if (value?.doubleValue !== undefined) return 'float64'
  return value?.bytesValue === undefined ? 'string' : 'binary'
}
