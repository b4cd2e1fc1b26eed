import { readPlatform } from './platform.ts'
import { type ResourceSpans, type TraceSpan, toTraceSpans } from './trace.ts'

/** The stored spans of one trace, none when there is no such trace (yet). */
export async function readTrace(id: string): Promise<TraceSpan[]> {
  const found = await ask<Found>(`/api/v3/traces/${id}`)
  return toTraceSpans(found?.result.resourceSpans ?? [])
}

/** The spans of every trace that has a span with this attribute. */
export async function findSpans(attribute: string, value: string): Promise<TraceSpan[]> {
  const query = new URLSearchParams({
    'query.attributes': JSON.stringify({ [attribute]: value }),
    'query.start_time_min': new Date(Date.now() - 3_600_000).toISOString(),
    'query.start_time_max': new Date(Date.now() + 60_000).toISOString(),
  })
  const found = await ask<Found>(`/api/v3/traces?${query}`)
  return toTraceSpans(found?.result.resourceSpans ?? [])
}

/** Every trace that is stored. @throws Error when there are more than lens lists at once */
export async function readEveryTrace(): Promise<TraceSpan[][]> {
  const most = 10_000
  const listed = await ask<Summaries>(`/api/v3/trace-summaries?query.num_traces=${most}`)
  const ids = (listed?.summaries ?? []).map(({ traceId }) => traceId)
  if (ids.length >= most) throw new Error(`there are more than ${most} traces; some are not seen`)
  const traces: TraceSpan[][] = []
  const next = ids.values()
  const readers = Array.from({ length: 8 }, async () => {
    for (const id of next) traces.push(await readTrace(id))
  })
  await Promise.all(readers)
  return traces
}

/** Counts of spans as lens has them: received, stored, rejected, evicted. */
export async function readStats(): Promise<Record<string, number>> {
  return (await ask<Record<string, number>>('/stats')) ?? {}
}

type Found = { result: { resourceSpans: ResourceSpans[] } }
type Summaries = { summaries: { traceId: string }[] }

async function ask<Body>(path: string): Promise<Body | undefined> {
  const answer = await fetch(new URL(path, readPlatform().urls.query))
  if (answer.status === 404) return undefined
  if (!answer.ok) throw new Error(`lens answered ${answer.status}: ${await answer.text()}`)
  return answer.json() as Promise<Body>
}

/** Sums of `telemetry.spans` over all services, from the metrics that lens shows to Prometheus. */
export async function readSpanCounts(): Promise<Record<'ended' | 'exported' | 'dropped', number>> {
  const text = await (await fetch(readPlatform().urls.metrics)).text()
  const counts = { ended: 0, exported: 0, dropped: 0 }
  for (const line of text.split('\n').filter((line) => line.startsWith('telemetry_spans'))) {
    const outcome = /outcome="(\w+)"/.exec(line)?.[1] as keyof typeof counts | undefined
    if (outcome) counts[outcome] += Number(line.split(' ').at(-1))
  }
  return counts
}
