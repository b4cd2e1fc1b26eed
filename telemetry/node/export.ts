import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace'

const queueSpans = 16_384
const batchSpans = 2_048
const delayMs = 500
const retryMs = { first: 250, most: 5_000 }

/** Spans of this process since it started. `ended = exported + dropped + those still waiting`. */
export type SpanCounts = { ended: number; exported: number; dropped: number }

/**
 * Sends ended spans in batches, and counts them. The stock processor gives a failed batch up;
 * ours waits for the collector to come back, while at most 16,384 spans wait in memory.
 * Beyond that new spans are dropped, and counted: memory stays bounded and no loss is silent.
 */
export function createExportProcessor(endpoint: string) {
  const counts: SpanCounts = { ended: 0, exported: 0, dropped: 0 }
  const otlp = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: 10_000,
  })
  const exporter = createPatientExporter(otlp, counts)
  const batches = new BatchSpanProcessor({
    exporter,
    maxQueueSize: queueSpans,
    maxExportBatchSize: batchSpans,
    scheduledDelayMillis: delayMs,
    // The patient exporter decides when to stop trying; the processor's own limit must not.
    exportTimeoutMillis: 2 ** 31 - 1,
  })
  const processor: SpanProcessor = {
    onStart() {},
    onEnd(span) {
      counts.ended++
      const waiting = counts.ended - counts.exported - counts.dropped
      if (waiting > queueSpans) counts.dropped++
      else batches.onEnd(span)
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  }
  return { processor, counts, abandon: exporter.abandon }
}

function createPatientExporter(otlp: SpanExporter, counts: SpanCounts) {
  let abandoned = false
  const attempt = (spans: ReadableSpan[], done: (result: ExportResult) => void, waitMs: number) => {
    otlp.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) {
        counts.exported += spans.length
        return done(result)
      }
      if (abandoned || !isPassing(result.error)) {
        counts.dropped += spans.length
        return done(result)
      }
      const next = Math.min(waitMs * 2, retryMs.most)
      setTimeout(() => attempt(spans, done, next), waitMs).unref()
    })
  }
  return {
    export: (spans: ReadableSpan[], done: (result: ExportResult) => void) =>
      attempt(spans, done, retryMs.first),
    forceFlush: async () => {},
    shutdown: async () => otlp.shutdown(),
    /** Stop trying: the process is about to end. */
    abandon() {
      abandoned = true
    },
  }
}

/** No answer, or one that says "later". Anything else would be refused again. */
function isPassing(error: Error | undefined): boolean {
  const status = (error as { code?: unknown } | undefined)?.code
  return typeof status !== 'number' || status === 429 || status >= 500
}
