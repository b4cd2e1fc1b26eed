import { randomUUID } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Logger } from '@clew/kit/log'
import packageJson from '../package.json' with { type: 'json' }

/** `refused` counts spans that the collector will not have, however often they are sent. */
export type Delivery =
  | { delivered: true; refused: number }
  | { delivered: false; retryAfterMs: number | undefined }

type Answer = { status: number; text: string; retryAfterMs: number | undefined }

const patienceMs = 5_000
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
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
    const answer = await post(url, body)
    if (!answer || passing.has(answer.status)) {
      return { delivered: false, retryAfterMs: answer?.retryAfterMs }
    }
    const refused = answer.status === 200 ? rejectedSpans(answer.text) : spans.length
    if (refused > 0)
      log.warn({ status: answer.status, answer: answer.text, refused }, 'spans refused')
    return { delivered: true, refused }
  }

  return { send }
}

/** Undefined when nobody answered in time. `node:http`, as `fetch` makes a span cost half as much again. */
async function post(url: string, body: string): Promise<Answer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const sent = request(url, { method: 'POST', agent, headers, timeout: patienceMs }, resolve)
  sent.on('error', reject).on('timeout', () => sent.destroy(new Error('no answer in time')))
  sent.end(body)
  try {
    const response = await promise
    const seconds = Number(response.headers['retry-after'] ?? Number.NaN)
    return {
      status: response.statusCode ?? 0,
      text: await text(response),
      retryAfterMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
    }
  } catch {
    return undefined
  }
}

function rejectedSpans(answer: string): number {
  try {
    return Number(JSON.parse(answer).partialSuccess?.rejectedSpans ?? 0)
  } catch {
    return 0
  }
}
