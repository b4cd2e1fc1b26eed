import type { Attributes } from '@opentelemetry/api'
import { createBatches } from './batches.ts'
import type { EndedSpan } from './ended-span.ts'
import { encodeEnvelope, encodeSpan } from './otlp-json.ts'
import { createSender } from './sender.ts'
import { runUntraced } from './untraced.ts'

const delayMs = 500

/** Spans of this process since it started. `ended = exported + dropped + those still waiting`. */
export type SpanCounts = { ended: number; exported: number; dropped: number }

/**
 * Encodes each span as it ends, into memory outside the garbage collector's care, and sends batches
 * as OTLP/HTTP JSON. While the collector is away batches wait; when 16 MB wait, new spans are dropped,
 * and counted: memory stays bounded and no loss is silent.
 */
export function createExport(endpoint: string, resource: Attributes) {
  const counts: SpanCounts = { ended: 0, exported: 0, dropped: 0 }
  const sender = createSender(`${endpoint.replace(/\/$/, '')}/v1/traces`)
  const batches = createBatches(encodeEnvelope(resource, '@clew/telemetry'))
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> | undefined

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    sending ??= runUntraced(sendAll).finally(() => {
      sending = undefined
    })
    return sending
  }
  async function sendAll() {
    for (let batch = batches.take(); batch; batch = batches.take()) {
      const lost = await sender.send(batch.body, batch.spans)
      counts.dropped += lost
      counts.exported += batch.spans - lost
      batches.giveBack(batch)
    }
  }
  return {
    counts,
    ended(span: EndedSpan) {
      counts.ended++
      if (!batches.add(encodeSpan(span))) counts.dropped++
      else if (batches.full()) flush()
      else timer ??= setTimeout(flush, delayMs).unref()
    },
    flush,
    /** Sends what is left. `abandon` ends it early, when the process cannot wait. */
    async close() {
      await flush()
      await sender.close()
    },
    abandon: sender.abandon,
  }
}

export type Export = ReturnType<typeof createExport>
