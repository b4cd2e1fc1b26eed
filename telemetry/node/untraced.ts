import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'

const untraced = suppressTracing(ROOT_CONTEXT)

/**
 * Health checks make no spans: they come every second and say nothing about a person's request. Nor
 * do the requests that only carry live events: each event has a span of its own.
 */
export function isUntraced(url: string | undefined): boolean {
  return url === '/livez' || url === '/readyz' || url?.startsWith('/socket.io/') === true
}

/** For work in the background that belongs to no request: neither it nor what it starts leaves spans. */
export function runUntraced<Result>(work: () => Result): Result {
  return context.with(untraced, work)
}
