import { serviceName } from '../otlp/batch.ts'
import {
  type AnyValue,
  errorStatus,
  type KeyValue,
  type ResourceSpans,
  type Span,
} from '../otlp/shape.ts'
import { readInstant } from '../store/instant.ts'
import { stringOf } from './attributes.ts'
import type { TraceQuery } from './parameters.ts'
import { kinds } from './reader.ts'

const statuses = ['UNSET', 'OK', 'ERROR']

/**
 * Tells whether one span meets every condition of a query. As in Jaeger, an attribute is looked for on
 * the span, then its resource, scope and events; `error`, `span.kind` and `span.status` are the span's own.
 */
export function spanMatcher(query: TraceQuery): (resourceSpans: ResourceSpans) => boolean {
  const { service, operation, from, before, shortest, longest, attributes } = query
  return ({ resource, scopeSpans }) => {
    if (service !== undefined && serviceName(resource?.attributes) !== service) return false
    return (scopeSpans ?? []).some(({ scope, spans }) =>
      (spans ?? []).some((span) => {
        if (operation !== undefined && span.name !== operation) return false
        const start = readInstant(span.startTimeUnixNano)
        const end = readInstant(span.endTimeUnixNano)
        const micros = end.micros - start.micros + (end.rest - start.rest) / 1_000
        if (start.micros < from || start.micros >= before) return false
        if (micros < shortest || micros > longest) return false
        const lists = [span, resource, scope, ...(span.events ?? [])].map((of) => of?.attributes)
        return attributes.every(([key, value]) => hasAttribute(span, lists, key, value))
      }),
    )
  }
}

function hasAttribute(
  span: Span,
  lists: (KeyValue[] | undefined)[],
  key: string,
  value: string,
): boolean {
  if (lists.some((list) => valuesOf(list, key).some((found) => stringOf(found) === value))) {
    return true
  }
  if (key === 'error') return value === String(span.status?.code === errorStatus)
  if (key === 'span.kind') return value === kinds[span.kind ?? 0]
  if (key === 'span.status') return value.toUpperCase() === statuses[span.status?.code ?? 0]
  return false
}

function valuesOf(list: KeyValue[] | undefined, key: string): (AnyValue | undefined)[] {
  if (!Array.isArray(list)) return []
  return list.filter((attribute) => attribute?.key === key).map(({ value }) => value)
}
