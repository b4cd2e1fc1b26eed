import type { ResourceSpans } from './span.ts'

/** A trace cannot be shown. `message` is one sentence that says why, and what to do. */
export class TraceError extends Error {
  override name = 'TraceError'
}

type Summary = {
  traceId?: string
  traceID?: string
  rootServiceName?: string
  rootOperationName?: string
  minStartTimeUnixNano?: string
}
type Found = { traceId: string; service: string; name: string; start: bigint }

const answerMs = 5_000
const searchMs = 7 * 24 * 3600 * 1000
const searched = 50
const freshMs = 10_000
const telemetryServices = /^(lens|jaeger|otelcol|otel-collector|prometheus)/
const telemetryRoutes =
  /(\/health|\/livez|\/readyz|\/metrics|\/stats|\/otlp\/|\/api\/v3\/|jwks\.json)/

/**
 * The spans of one trace as OTLP JSON; undefined while the store has none of it.
 * @throws TraceError when the store cannot be reached or fails
 */
export async function readTrace(
  queryUrl: string,
  id: string,
): Promise<ResourceSpans[] | undefined> {
  const answer = await get(queryUrl, `/api/v3/traces/${id}`)
  if (answer.status === 404 || answer.status === 400) return undefined
  if (answer.status !== 200) throw failed(queryUrl, answer.status)
  const spans = resourceSpansOf(answer.body)
  return spans.length > 0 ? spans : undefined
}

/**
 * The id of the newest trace that a user's request made; undefined when there is none yet.
 * lens lists traces of all services at once; Jaeger wants to be asked for each.
 * @param patient answers undefined, too, while the newest trace has just begun and lacks its root
 */
export async function findLast(queryUrl: string, patient: boolean): Promise<string | undefined> {
  const now = Date.now()
  const window = {
    'query.start_time_min': new Date(now - searchMs).toISOString(),
    'query.start_time_max': new Date(now + 60_000).toISOString(),
    'query.num_traces': String(searched),
  }
  const answer = await get(queryUrl, `/api/v3/trace-summaries?${new URLSearchParams(window)}`)
  const found =
    answer.status === 200 ? summariesOf(answer.body) : await searchServices(queryUrl, window)
  const traces = found
    .filter((trace) => !isNoise(trace))
    .sort((a, b) => (a.start < b.start ? 1 : -1))
  const [newest] = traces
  if (patient && newest && !newest.service && isFresh(newest)) return undefined
  // A trace that lost its root is only shown if there is nothing better.
  return (traces.find((trace) => trace.service) ?? newest)?.traceId
}

async function searchServices(queryUrl: string, window: Record<string, string>): Promise<Found[]> {
  const answer = await get(queryUrl, '/api/v3/services')
  if (answer.status !== 200) throw failed(queryUrl, answer.status)
  const { services = [] } = answer.body as { services?: string[] }
  const found = await Promise.all(
    services.map(async (service) => {
      const query = new URLSearchParams({ 'query.service_name': service, ...window })
      const traces = await get(queryUrl, `/api/v3/traces?${query}`)
      return traces.status === 200 ? rootsOf(resourceSpansOf(traces.body)) : []
    }),
  )
  return found.flat()
}

function summariesOf(body: unknown): Found[] {
  const { summaries = [] } = body as { summaries?: Summary[] }
  return summaries.map((summary) => ({
    traceId: summary.traceId ?? summary.traceID ?? '',
    service: summary.rootServiceName ?? '',
    name: summary.rootOperationName ?? '',
    start: BigInt(summary.minStartTimeUnixNano || 0),
  }))
}

function rootsOf(resourceSpans: ResourceSpans[]): Found[] {
  const found: Found[] = []
  for (const { resource, scopeSpans = [] } of resourceSpans) {
    const name = resource?.attributes?.find((attribute) => attribute.key === 'service.name')
    for (const span of scopeSpans.flatMap((scope) => scope.spans ?? [])) {
      found.push({
        traceId: span.traceId ?? '',
        service: span.parentSpanId ? '' : (name?.value?.stringValue ?? ''),
        name: span.name ?? '',
        start: BigInt(span.startTimeUnixNano || 0),
      })
    }
  }
  return found
}

function isFresh({ start }: Found): boolean {
  return Date.now() - Number(start / 1_000_000n) < freshMs
}

function isNoise({ service, name }: Found): boolean {
  return telemetryServices.test(service) || telemetryRoutes.test(name)
}

function resourceSpansOf(body: unknown): ResourceSpans[] {
  const { result } = body as { result?: { resourceSpans?: ResourceSpans[] } }
  return result?.resourceSpans ?? []
}

async function get(queryUrl: string, path: string): Promise<{ status: number; body: unknown }> {
  try {
    const answer = await fetch(new URL(path, queryUrl), { signal: AbortSignal.timeout(answerMs) })
    return { status: answer.status, body: answer.ok ? await answer.json() : undefined }
  } catch (error) {
    throw new TraceError(
      `No traces can be read at ${queryUrl}: start Clew with \`npm start\` first.`,
      { cause: error },
    )
  }
}

function failed(queryUrl: string, status: number): TraceError {
  return new TraceError(`The trace store at ${queryUrl} answered ${status}; see its log.`)
}
