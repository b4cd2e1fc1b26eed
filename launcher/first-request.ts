import { randomBytes } from 'node:crypto'
import { Refusal } from './refusal.ts'
import { showTrace, TraceError } from './trace/show.ts'

const answerMs = 10_000
const traceMs = 8_000

/**
 * Registers an invented person through the gateway and draws the trace of it. The request is marked
 * as synthetic, so that it can be told from a person's.
 * @throws Refusal when the platform, though up, does not serve it
 */
export async function makeFirstRequest(gateway: string, query: string): Promise<string> {
  const name = `first-${randomBytes(4).toString('hex')}`
  const response = await fetch(`${gateway}/api/auth/register`, {
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
  const id = response.headers.get('x-trace-id')
  if (!response.ok || !id) {
    throw new Refusal(`The first request was answered with ${response.status}: ${body}`)
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
