/** The parts of OTLP JSON that lens itself looks at. Everything else passes through untouched. */
export type AnyValue = {
  stringValue?: string
  boolValue?: boolean
  intValue?: string | number
  doubleValue?: number
  arrayValue?: { values?: AnyValue[] }
  kvlistValue?: { values?: KeyValue[] }
  bytesValue?: string
}
export type KeyValue = { key: string; value?: AnyValue }
export type Resource = { attributes?: KeyValue[] }
export type Scope = { name?: string; version?: string; attributes?: KeyValue[] }

export type Span = {
  traceId: string
  spanId: string
  parentSpanId?: string
  traceState?: string
  name: string
  kind?: number
  /** Unix nanoseconds in decimal: they do not fit a number. */
  startTimeUnixNano?: string | number
  endTimeUnixNano?: string | number
  attributes?: KeyValue[]
  events?: { timeUnixNano?: string | number; name?: string; attributes?: KeyValue[] }[]
  links?: { traceId?: string; spanId?: string; attributes?: KeyValue[] }[]
  status?: { code?: number; message?: string }
}

export type ScopeSpans = { scope?: Scope; spans?: Span[]; schemaUrl?: string }
export type ResourceSpans = { resource?: Resource; scopeSpans?: ScopeSpans[]; schemaUrl?: string }
export type TracesData = { resourceSpans?: ResourceSpans[] }

export const errorStatus = 2
