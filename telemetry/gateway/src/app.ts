import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createHealth } from '@clew/kit/health'

/**
 * `/health` sums up the services, as NGINX cannot ask them by itself: 200 when each one's `/readyz`
 * answers 200 within a second, else 503. `/livez` is about this process, `/stats` its figures.
 */
export function createApp(
  services: Record<string, string>,
  stats: () => Promise<object>,
): RequestListener {
  const asked = Object.entries(services).map(([name, url]) => [name, () => isReady(url)])
  const health = createHealth(Object.fromEntries(asked))

  const answers: Record<string, () => Promise<{ status: number; body: object }>> = {
    '/health': async () => {
      const { status, body } = await health.ready()
      return { status, body: { status: body.status, services: body.checks } }
    },
    '/livez': async () => health.live(),
    '/stats': async () => ({ status: 200, body: await stats() }),
  }

  return async (request: IncomingMessage, response: ServerResponse) => {
    const answer = answers[request.url?.split('?')[0] ?? '']
    if (!answer) return void response.writeHead(404).end()
    const { status, body } = await answer()
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(body))
  }
}

async function isReady(url: string): Promise<void> {
  const response = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(2_000) })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`answered ${response.status}`)
}
