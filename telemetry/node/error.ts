import { SpanStatusCode, trace } from '@opentelemetry/api'

/** Records, on the active span, the exception behind a 5xx answer. Call it once, at the error edge. */
export function recordException(thrown: unknown): void {
  const span = trace.getActiveSpan()
  if (!span?.isRecording()) return
  span.addEvent('exception', describe(thrown))
  span.setStatus({ code: SpanStatusCode.ERROR })
}

// Network and connection failures: system codes, undici's, SQLSTATE classes 08 and 57.
const impersonal = /^(E[A-Z]+|UND_ERR_\w+|08\w{3}|57\w{3})$/

/**
 * Attributes of an exception event. Messages of Postgres and of parsers may quote what a person
 * typed, so the message is kept for network and connection failures only.
 */
export function describe(thrown: unknown) {
  if (!(thrown instanceof Error)) return { 'exception.type': typeof thrown }
  const places = thrown.stack?.split('\n').filter((line) => line.startsWith('    at '))
  const type = errorType(thrown)
  return {
    'exception.type': type,
    ...(impersonal.test(type) && { 'exception.message': thrown.message }),
    ...(places && { 'exception.stacktrace': places.slice(0, 12).join('\n') }),
  }
}

/** A low-cardinality name: the error's code if it has one (`ECONNREFUSED`, SQLSTATE), else its class. */
export function errorType(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code
  if (typeof code === 'string' && code) return code
  return thrown instanceof Error ? thrown.name : typeof thrown
}
