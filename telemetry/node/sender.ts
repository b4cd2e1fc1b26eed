import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

const answerMs = 10_000
const retryMs = { first: 250, most: 5_000 }

/** Posts batches to an OTLP/HTTP endpoint, one at a time, again and again until it takes them. */
export function createSender(url: string) {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections: 1, connect: { timeout: 1_000 } })
  let abandoned = false

  /** Null when there was no answer, or one that says "later". */
  async function attempt(body: Buffer): Promise<{ refused: number } | null> {
    const answer = await pool.request({
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(answerMs),
    })
    const text = await answer.body.text()
    if (answer.statusCode === 429 || answer.statusCode >= 500) return null
    if (answer.statusCode >= 400) return { refused: Number.POSITIVE_INFINITY }
    return { refused: rejectedSpans(text) }
  }
  return {
    /** How many spans of the batch were lost: 0, or what the endpoint refused for good. */
    async send(body: Buffer): Promise<number> {
      for (let waitMs = retryMs.first; ; waitMs = Math.min(waitMs * 2, retryMs.most)) {
        const outcome = await attempt(body).catch(() => null)
        if (outcome) return outcome.refused
        if (abandoned) return Number.POSITIVE_INFINITY
        await sleep(waitMs, undefined, { ref: false })
      }
    },
    /** Stop trying: the process is about to end. */
    abandon() {
      abandoned = true
    },
    close: () => pool.close(),
  }
}

function rejectedSpans(answer: string): number {
  if (!answer.includes('rejectedSpans')) return 0
  const { partialSuccess } = JSON.parse(answer) as {
    partialSuccess?: { rejectedSpans?: string | number }
  }
  return Number(partialSuccess?.rejectedSpans ?? 0)
}
