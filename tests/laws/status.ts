import type { TraceSpan } from '../trace.ts'
import { type Law, say } from './law.ts'

/** Whoever sees a red span finds the reason: an exception on it, or a red child below it. */
export const errorExplained: Law = (trace) =>
  trace
    .filter(
      (span) => span.status === 'error' && !hasException(span) && !hasFailedChild(trace, span),
    )
    .map((span) => `${say(span)} is in error without an exception or a child in error`)

/** The caller's mistake is not the server's: 4xx leaves a SERVER span unset, 5xx is an error. */
export const serverStatus: Law = (trace) =>
  trace
    .filter((span) => span.kind === 'SERVER')
    .flatMap((span) => {
      const status = Number(span.attributes['http.response.status_code']?.value ?? 0)
      if (status >= 500 && span.status !== 'error') {
        return [`${say(span)} answered ${status} but is not in error`]
      }
      if (status >= 400 && status < 500 && span.status !== 'unset') {
        return [`${say(span)} answered ${status} but its status is ${span.status}, not unset`]
      }
      return []
    })

/** What went wrong is told once: one exception on a span, and not again on the spans it passed. */
export const exceptionOnce: Law = (trace) =>
  trace.flatMap((span) => {
    const exceptions = exceptionsOf(span)
    if (exceptions.length > 1) return [`${say(span)} records ${exceptions.length} exceptions`]
    const places = placesOf(span)
    const below = trace.find((child) => child.parentId === span.id && placesOf(child) === places)
    if (!places || !below) return []
    return [`${say(span)} records the exception that ${say(below)} recorded`]
  })

/** Where an exception was thrown: the same places are the same exception. */
function placesOf(span: TraceSpan): string | undefined {
  return exceptionsOf(span)[0]?.attributes['exception.stacktrace']?.value?.toString()
}

function exceptionsOf(span: TraceSpan) {
  return span.events.filter(({ name }) => name === 'exception')
}

function hasException(span: TraceSpan): boolean {
  return exceptionsOf(span).length > 0
}

function hasFailedChild(trace: TraceSpan[], { id }: TraceSpan): boolean {
  return trace.some((child) => child.parentId === id && child.status === 'error')
}
