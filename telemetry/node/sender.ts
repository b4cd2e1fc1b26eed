import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { judgeAnswer, type Verdict } from './otlp-answer.ts'

const answerMs = 10_000
const retryMs = { first: 250, most: 5_000 }

/** Posts batches to an OTLP/HTTP endpoint, one at a time, again and again until it takes them. */
export function createSender(url: string) {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections: 1, connect: { timeout: 1_000 } })
  let abandoned = false

  async function attempt(body: Buffer, spans: number): Promise<Verdict> {
    const answer = await pool.request({
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(answerMs),
    })
    const retryAfter = answer.headers['retry-after']?.toString()
    const text = await answer.body.text()
    return judgeAnswer({ status: answer.statusCode, retryAfter, text }, spans)
  }
  return {
    /** How many spans of the batch were lost: 0, or what the endpoint refused for good. */
    async send(body: Buffer, spans: number): Promise<number> {
      for (let waitMs = retryMs.first; ; waitMs = Math.min(waitMs * 2, retryMs.most)) {
        const verdict = await attempt(body, spans).catch(() => noAnswer)
        if (verdict.taken) return verdict.refused
        if (abandoned) return spans
        await sleep(verdict.retryAfterMs ?? waitMs, undefined, { ref: false })
      }
    },
    /** Stop trying: the process is about to end. */
    abandon() {
      abandoned = true
    },
    close: () => pool.close(),
  }
}

const noAnswer: Verdict = { taken: false, retryAfterMs: undefined }
