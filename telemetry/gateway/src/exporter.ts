import { randomUUID } from 'node:crypto'
import type { Logger } from '@clew/kit/log'
import packageJson from '../package.json' with { type: 'json' }

/** `refused` counts spans that the collector will not have, however often they are sent. */
export type Delivery =
  | { delivered: true; refused: number }
  | { delivered: false; retryAfterMs: number | undefined }

const patienceMs = 5_000
// OTLP: only these mean "try again"; after any other refusal the same batch would be refused for ever.
const passing = new Set([429, 502, 503, 504])

/** Sends batches of spans as OTLP/JSON to `{collector}/v1/traces`, one try each. */
export function createExporter(collector: string, environment: string, log: Logger) {
  const url = `${collector.replace(/\/$/, '')}/v1/traces`
  const attributes = Object.entries({
    'service.name': 'gateway',
    'service.version': packageJson.version,
    'service.instance.id': randomUUID(),
    'deployment.environment.name': environment,
  }).map(([key, stringValue]) => ({ key, value: { stringValue } }))
  const resource = JSON.stringify({ attributes })
  const scope = JSON.stringify({ name: packageJson.name, version: packageJson.version })

  /** @param spans each as OTLP/JSON text */
  async function send(spans: string[]): Promise<Delivery> {
    const scoped = `{"scope":${scope},"spans":[${spans.join(',')}]}`
    const body = `{"resourceSpans":[{"resource":${resource},"scopeSpans":[${scoped}]}]}`
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(patienceMs),
      })
      const answer = await response.text()
      if (passing.has(response.status)) return { delivered: false, retryAfterMs: wait(response) }
      if (!response.ok) {
        log.warn({ status: response.status, spans: spans.length }, 'spans refused')
        return { delivered: true, refused: spans.length }
      }
      const refused = rejectedSpans(answer)
      if (refused > 0) log.warn({ answer, refused }, 'spans refused')
      return { delivered: true, refused }
    } catch {
      return { delivered: false, retryAfterMs: undefined }
    }
  }

  return { send }
}

function wait(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined
}

function rejectedSpans(answer: string): number {
  try {
    return Number(JSON.parse(answer).partialSuccess?.rejectedSpans ?? 0)
  } catch {
    return 0
  }
}
