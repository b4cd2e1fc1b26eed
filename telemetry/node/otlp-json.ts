import type { Attributes, Link } from '@opentelemetry/api'
import type { EndedSpan, SpanEvent } from './ended-span.ts'

/**
 * One ended span as OTLP/JSON text
 * (https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto).
 * Written by hand because it runs for every span: building objects for `JSON.stringify`, and keeping
 * spans until a batch is full, cost several times as much, most of it in the garbage collector.
 */
export function encodeSpan(span: EndedSpan): string {
  const { traceId, spanId, traceFlags, traceState } = span.context
  const { parent, status } = span
  let text = `{"traceId":"${traceId}","spanId":"${spanId}","flags":${traceFlags | remoteBits(parent?.isRemote)}`
  if (parent) text += `,"parentSpanId":"${parent.spanId}"`
  if (traceState) text += `,"traceState":${JSON.stringify(traceState.serialize())}`
  text += `,"name":${JSON.stringify(span.name)},"kind":${span.kind + 1}`
  text += `,"startTimeUnixNano":"${span.startNanos}","endTimeUnixNano":"${span.endNanos}"`
  text += `,"attributes":${encodeAttributes(span.attributes)}`
  if (span.events.length > 0) text += `,"events":[${span.events.map(encodeEvent).join(',')}]`
  if (span.links.length > 0) text += `,"links":[${span.links.map(encodeLink).join(',')}]`
  const message = status.message ? `,"message":${JSON.stringify(status.message)}` : ''
  return `${text},"status":{"code":${status.code}${message}}}`
}

/** What stands around the spans of a batch: all of a process share one resource and one scope. */
export function encodeEnvelope(
  resource: Attributes,
  scope: string,
): { head: string; tail: string } {
  return {
    head: `{"resourceSpans":[{"resource":{"attributes":${encodeAttributes(resource)}},"scopeSpans":[{"scope":{"name":${JSON.stringify(scope)}},"spans":[`,
    tail: ']}]}]}',
  }
}

function encodeAttributes(attributes: Attributes): string {
  let text = '['
  for (const key in attributes) {
    const value = attributes[key]
    if (value === undefined) continue
    if (text.length > 1) text += ','
    text += `${keyText(key)}${encodeValue(value)}}`
  }
  return `${text}]`
}

// Keys are few: those the conventions declare.
const keyTexts = new Map<string, string>()

function keyText(key: string): string {
  let text = keyTexts.get(key)
  if (text === undefined) {
    text = `{"key":${JSON.stringify(key)},"value":`
    if (keyTexts.size < 1_000) keyTexts.set(key, text)
  }
  return text
}

function encodeValue(value: unknown): string {
  if (typeof value === 'string') return `{"stringValue":${JSON.stringify(value)}}`
  if (typeof value === 'boolean') return `{"boolValue":${value}}`
  if (typeof value === 'number') {
    return Number.isSafeInteger(value)
      ? `{"intValue":"${value}"}`
      : `{"doubleValue":${Number.isFinite(value) ? value : `"${value}"`}}`
  }
  if (Array.isArray(value)) return `{"arrayValue":{"values":[${value.map(encodeValue).join(',')}]}}`
  return `{"stringValue":${JSON.stringify(String(value))}}`
}

function encodeEvent({ name, timeNanos, attributes }: SpanEvent): string {
  return `{"timeUnixNano":"${timeNanos}","name":${JSON.stringify(name)},"attributes":${encodeAttributes(attributes)}}`
}

function encodeLink({ context, attributes }: Link): string {
  return `{"traceId":"${context.traceId}","spanId":"${context.spanId}","flags":${context.traceFlags | remoteBits(context.isRemote)},"attributes":${encodeAttributes(attributes ?? {})}}`
}

// Bits 8 and 9 say whether it is known that the parent is in another process, and whether it is.
function remoteBits(isRemote: boolean | undefined): number {
  return isRemote ? 0x300 : 0x100
}
