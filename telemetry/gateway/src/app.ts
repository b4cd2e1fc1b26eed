import type {
  IncomingHttpHeaders,
  IncomingMessage,
  RequestListener,
  ServerResponse,
} from 'node:http'
import { createHealth } from '@clew/kit/health'
import type { Logger } from '@clew/kit/log'
import { problemBody, toProblem } from '@clew/kit/problem'
import type { FindPage, FindTimeline } from './stale.ts'

export type Deps = {
  /** Addresses of the services, by name. */
  services: Record<string, string>
  stats: () => Promise<object>
  findPage: FindPage
  findTimeline: FindTimeline
  log: Logger
}
type Answer = { status: number; body: object | string; headers?: Record<string, string> }

const profile = /^\/stale\/api\/users\/([0-9a-f-]{36})$/
const timeline = /^\/stale\/api\/(?:feed\/)?timeline\/([0-9a-f-]{36})$/

/**
 * What NGINX cannot do by itself. `/health` sums up the services: 200 when each one's `/readyz`
 * answers 200 within a second, else 503. `/stale/...` is a page from a service's cache, or 404: a
 * profile, or the first page of one's own timeline. `/livez` is about this process, `/stats` its figures.
 */
export function createApp(deps: Deps): RequestListener {
  const { services, stats, findPage, findTimeline, log } = deps
  const asked = Object.entries(services).map(([name, url]) => [name, () => isReady(url)])
  const health = createHealth(Object.fromEntries(asked))

  async function answer({ url = '', headers }: IncomingMessage): Promise<Answer> {
    const { pathname: path, searchParams } = new URL(url, 'http://gateway')
    if (path === '/livez') return health.live()
    if (path === '/stats') return { status: 200, body: await stats() }
    if (path === '/health') {
      const { status, body } = await health.ready()
      return { status, body: { status: body.status, services: body.checks } }
    }
    const [, person] = profile.exec(path) ?? []
    if (person) return stale(await findPage(person))
    const [, reader] = timeline.exec(path) ?? []
    if (reader) return stale(await findTimeline(reader, searchParams, headers.authorization))
    return { status: 404, body: {} }
  }

  return (request, response) => {
    answer(request)
      .catch((error: unknown) => refuse(error, request.headers))
      .then((made) => send(response, made))
  }

  function refuse(error: unknown, headers: IncomingHttpHeaders): Answer {
    const problem = toProblem(error)
    if (problem.status >= 500) log.error({ err: error }, 'request failed')
    // No span is made here; whose trace it is, NGINX says.
    const trace = headers['x-trace-id']
    const body = { ...problemBody(problem), ...(trace && { trace_id: trace }) }
    const type = { 'content-type': 'application/problem+json' }
    return { status: problem.status, body, headers: { ...problem.headers, ...type } }
  }
}

function stale(page: string | undefined): Answer {
  if (!page) return { status: 404, body: {} }
  return { status: 200, body: page, headers: { 'x-cache': 'stale' } }
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
