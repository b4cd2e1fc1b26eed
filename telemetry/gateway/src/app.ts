import type { RequestListener, ServerResponse } from 'node:http'
import { createHealth } from '@clew/kit/health'
import type { Logger } from '@clew/kit/log'
import type { FindPage } from './stale.ts'

export type Deps = {
  /** Addresses of the services, by name. */
  services: Record<string, string>
  stats: () => Promise<object>
  findPage: FindPage
  log: Logger
}
type Answer = { status: number; body: object | string; headers?: Record<string, string> }

const page = /^\/stale\/api\/users\/([0-9a-f-]{36})$/

/**
 * What NGINX cannot do by itself. `/health` sums up the services: 200 when each one's `/readyz`
 * answers 200 within a second, else 503. `/stale/api/users/{id}` is a page from profile's cache, or
 * 404. `/livez` is about this process, `/stats` its figures.
 */
export function createApp({ services, stats, findPage, log }: Deps): RequestListener {
  const asked = Object.entries(services).map(([name, url]) => [name, () => isReady(url)])
  const health = createHealth(Object.fromEntries(asked))

  async function answer(path: string): Promise<Answer> {
    if (path === '/livez') return health.live()
    if (path === '/stats') return { status: 200, body: await stats() }
    if (path === '/health') {
      const { status, body } = await health.ready()
      return { status, body: { status: body.status, services: body.checks } }
    }
    const [, person] = page.exec(path) ?? []
    const text = person && (await findPage(person))
    if (text) return { status: 200, body: text, headers: { 'x-cache': 'stale' } }
    return { status: 404, body: {} }
  }

  return (request, response) => {
    answer(request.url?.split('?', 1)[0] ?? '')
      .catch((error: unknown): Answer => {
        log.error({ err: error }, 'request failed')
        return { status: 500, body: {} }
      })
      .then((made) => send(response, made))
  }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const general = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  response.writeHead(status, { ...general, ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function isReady(url: string): Promise<void> {
  const response = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(2_000) })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`answered ${response.status}`)
}
