import { randomUUID } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Logger } from '@clew/kit/log'
import { judgeAnswer, type Verdict } from '@clew/telemetry/otlp-answer'
import packageJson from '../package.json' with { type: 'json' }

type Answer = { status: number; text: string; retryAfter: string | undefined }

const patienceMs = 5_000
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

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
  async function send(spans: string[]): Promise<Verdict> {
    const scoped = `{"scope":${scope},"spans":[${spans.join(',')}]}`
    const body = `{"resourceSpans":[{"resource":${resource},"scopeSpans":[${scoped}]}]}`
    const answer = await post(url, body)
    if (!answer) return { taken: false, retryAfterMs: undefined }
    const verdict = judgeAnswer(answer, spans.length)
    if (verdict.taken && verdict.refused > 0) {
      const { status, text } = answer
      log.warn({ status, answer: text, refused: verdict.refused }, 'spans refused')
    }
    return verdict
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
    return {
      status: response.statusCode ?? 0,
      text: await text(response),
      retryAfter: response.headers['retry-after'],
    }
  } catch {
    return undefined
  }
}
