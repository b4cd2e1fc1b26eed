import { ask, refused, resourceSpansOf } from './read.ts'
import { type ResourceSpans, toSpans } from './span.ts'
import { isEntrance } from './tree.ts'

/** A trace as the search shows it, by its root or, when that is missing, its earliest span. */
type Found = { id: string; service: string; name: string; start: number; whole: boolean }
type Summary = {
  traceId?: string
  rootServiceName?: string
  rootOperationName?: string
  minStartTimeUnixNano?: string
  orphanSpanCount?: number
}

const searchMs = 7 * 24 * 3600 * 1000
const searched = 50
const freshMs = 10_000
const requestName = /^[A-Z]+( \/|$)/
const telemetryServices = /^(lens|jaeger|otelcol|otel-collector|prometheus)/
const telemetryRoutes =
  /^\w+ \/(health|livez|readyz|metrics|stats|otlp|api\/v3|\.well-known)(\/|\.|$)/

/**
 * The id of the newest trace that a user's request made, or else of the newest there is: work in the
 * background may have a trace of its own, newer than the request's. Undefined when there is none yet.
 * lens lists the traces of all services at once; Jaeger wants to be asked for each.
 * @param patient answers undefined, too, while the newest trace has just begun and lacks its root
 */
export async function findLast(queryUrl: string, patient: boolean): Promise<string | undefined> {
  const now = Date.now()
  const window = {
    'query.start_time_min': new Date(now - searchMs).toISOString(),
    'query.start_time_max': new Date(now + 60_000).toISOString(),
    'query.num_traces': String(searched),
  }
  const answer = await ask(queryUrl, `/api/v3/trace-summaries?${new URLSearchParams(window)}`)
  const found =
    answer.status === 200 ? summariesOf(answer.body) : await searchServices(queryUrl, window)
  const traces = found.filter((trace) => !isNoise(trace)).sort((a, b) => b.start - a.start)
  // Of a trace that lacks its root it cannot be told yet whether a request made it.
  const newest = traces.find((trace) => isRequest(trace) || !trace.whole)
  if (patient && newest && !newest.whole && now - newest.start < freshMs) return undefined
  // A trace that lost its root is only shown if there is nothing better.
  const whole = traces.filter((trace) => trace.whole)
  return (whole.find(isRequest) ?? whole[0] ?? newest)?.id
}

/** Search results carry no kinds of spans; a SERVER span is named by method and route, or method alone. */
function isRequest({ service, name }: Found): boolean {
  return isEntrance(service) || requestName.test(name)
}

async function searchServices(queryUrl: string, window: Record<string, string>): Promise<Found[]> {
  const answer = await ask(queryUrl, '/api/v3/services')
  if (answer.status !== 200) throw refused(queryUrl, answer.status)
  const { services = [] } = answer.body as { services?: string[] }
  const found = await Promise.all(
    services.map(async (service) => {
      const query = new URLSearchParams({ 'query.service_name': service, ...window })
      const traces = await ask(queryUrl, `/api/v3/traces?${query}`)
      return traces.status === 200 ? foundIn(resourceSpansOf(traces.body)) : []
    }),
  )
  return found.flat()
}

/** A summary names the earliest orphan as its root, so only the count of orphans tells that one is missing. */
function summariesOf(body: unknown): Found[] {
  const { summaries = [] } = body as { summaries?: Summary[] }
  return summaries.map((summary) => {
    const service = summary.rootServiceName ?? ''
    return {
      id: summary.traceId ?? '',
      service,
      name: summary.rootOperationName ?? '',
      start: Number(summary.minStartTimeUnixNano ?? 0) / 1e6,
      whole: !summary.orphanSpanCount || isEntrance(service),
    }
  })
}

function foundIn(resourceSpans: ResourceSpans[]): Found[] {
  const first = firstStart(resourceSpans)
  const found = new Map<string, Found>()
  for (const span of toSpans(resourceSpans)) {
    const whole = span.parentId === '' || isEntrance(span.service)
    const { traceId: id, service, name } = span
    const there = found.get(id)
    if (!there) found.set(id, { id, service, name, start: first + span.start / 1_000, whole })
    else if (whole && !there.whole) Object.assign(there, { service, name, whole })
  }
  return [...found.values()]
}

/** In milliseconds since 1970; where all times of `toSpans` count from. */
function firstStart(resourceSpans: ResourceSpans[]): number {
  let first = Number.POSITIVE_INFINITY
  for (const { scopeSpans = [] } of resourceSpans) {
    for (const { startTimeUnixNano } of scopeSpans.flatMap((scope) => scope.spans ?? [])) {
      const start = Number(startTimeUnixNano ?? 0) / 1e6
      if (start > 0) first = Math.min(first, start)
    }
  }
  return first
}

function isNoise({ service, name }: Found): boolean {
  return telemetryServices.test(service) || telemetryRoutes.test(name)
}
