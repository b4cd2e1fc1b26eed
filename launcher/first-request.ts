import { randomBytes } from 'node:crypto'
import type { TelemetryMode } from './platform.ts'
import { Refusal } from './refusal.ts'
import { showTrace, TraceError } from './trace/show.ts'

const answerMs = 10_000
const traceMs = 8_000
const path = '/api/auth/register'

/**
 * Registers an invented person through the gateway and draws the trace of it. The request is marked
 * as synthetic, so that it can be told from a person's. With telemetry off there is no trace: then
 * the answer is a line with its status and time. What was answered is never shown: it holds tokens.
 * @throws Refusal when the platform, though up, does not serve it
 */
export async function makeFirstRequest(
  gateway: string,
  query: string,
  telemetry: TelemetryMode,
): Promise<string> {
  const began = performance.now()
  const name = `first-${randomBytes(4).toString('hex')}`
  const response = await fetch(`${gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', baggage: 'clew.synthetic=true' },
    body: JSON.stringify({
      email: `${name}@example.com`,
      username: name.replace('-', '_'),
      password: `Aa1-${randomBytes(12).toString('base64url')}`,
    }),
    signal: AbortSignal.timeout(answerMs),
  }).catch((error: Error) => {
    const { code = error.name } = (error.cause ?? {}) as { code?: string }
    throw new Refusal(
      `The first request, to ${gateway}, got no answer (${code}): the logs of nginx and auth say why.`,
      { cause: error },
    )
  })
  const body = await response.text()
  if (!response.ok) {
    throw new Refusal(`The first request was answered with ${response.status}: ${body}`)
  }
  if (telemetry === 'off') {
    const ms = Math.round(performance.now() - began)
    return `POST ${path} → ${response.status} (${ms} ms)\nTelemetry is off: nothing is traced.\n`
  }
  const id = response.headers.get('x-trace-id')
  if (!id) {
    throw new Refusal(
      `The first request was answered with ${response.status} but without X-Trace-Id: the logs of nginx and auth say why.`,
    )
  }
  try {
    const expected = ['gateway', 'auth', 'profile']
    return await showTrace({
      queryUrl: query,
      id,
      width: process.stdout.columns || 100,
      waitMs: traceMs,
      expect: (services) => expected.every((service) => services.includes(service)),
    })
  } catch (error) {
    if (error instanceof TraceError) return `${error.message}\n`
    throw error
  }
}
