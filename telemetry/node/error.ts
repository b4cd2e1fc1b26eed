import { type Span, SpanStatusCode, trace } from '@opentelemetry/api'

const recorded = new WeakSet<object>()

/** Marks the active span with what lies behind a 5xx answer. Call it once, at the error edge. */
export function recordException(thrown: unknown): void {
  const span = trace.getActiveSpan()
  if (span?.isRecording()) failSpan(span, thrown)
}

/**
 * Marks a span as failed. The exception itself is recorded where it was met first, deepest in the
 * trace; the spans it passes on its way up are marked only, as OpenTelemetry asks.
 */
export function failSpan(span: Span, thrown: unknown): void {
  span.setAttribute('error.type', errorType(thrown))
  span.setStatus({ code: SpanStatusCode.ERROR })
  if (typeof thrown === 'object' && thrown !== null) {
    if (recorded.has(thrown)) return
    recorded.add(thrown)
  }
  span.addEvent('exception', describe(thrown))
}

// Network and connection failures: system codes, undici's, SQLSTATE classes 08 and 57.
const impersonal = /^(E[A-Z]+|UND_ERR_\w+|08\w{3}|57\w{3})$/

/**
 * Attributes of an exception event. Messages of Postgres and of parsers may quote what a person
 * typed, so the message is kept only of network and connection failures, and of a Problem of ours
 * that is answered with 5xx: its detail is the same for everybody.
 */
export function describe(thrown: unknown) {
  if (!(thrown instanceof Error)) return { 'exception.type': typeof thrown }
  const places = thrown.stack?.split('\n').filter((line) => line.startsWith('    at '))
  const type = errorType(thrown)
  return {
    'exception.type': type,
    ...((impersonal.test(type) || isOurFailure(thrown)) && { 'exception.message': thrown.message }),
    ...(places && { 'exception.stacktrace': places.slice(0, 12).join('\n') }),
  }
}

function isOurFailure(thrown: Error): boolean {
  const { status } = thrown as { status?: unknown }
  return thrown.name === 'Problem' && typeof status === 'number' && status >= 500
}

/** A low-cardinality name: the error's code if it has one (`ECONNREFUSED`, SQLSTATE), else its class. */
export function errorType(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code
  if (typeof code === 'string' && code) return code
  return thrown instanceof Error ? thrown.name : typeof thrown
}
