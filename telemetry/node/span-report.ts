import type { SpanCounts } from './export.ts'
import { createStatsD } from './statsd.ts'

const everyMs = 5_000

/** Publishes this process's span counts as `telemetry.spans` with tag `outcome`, every 5 s and at the end. */
export function reportSpans(counts: SpanCounts): () => Promise<void> {
  const statsd = createStatsD('telemetry')
  const sent: SpanCounts = { ended: 0, exported: 0, dropped: 0 }
  const report = () => {
    for (const outcome of ['ended', 'exported', 'dropped'] as const) {
      const fresh = counts[outcome] - sent[outcome]
      if (fresh > 0) statsd.count('spans', { outcome }, fresh)
      sent[outcome] = counts[outcome]
    }
  }
  const timer = setInterval(report, everyMs).unref()
  return async () => {
    clearInterval(timer)
    report()
    await statsd[Symbol.asyncDispose]()
  }
}
