import type { RequestListener } from 'node:http'

export type Checks = Record<string, () => Promise<unknown>>
export type Health = {
  live(): { status: number; body: { status: string } }
  ready(): Promise<{ status: number; body: { status: string; checks: Record<string, string> } }>
  /** From now on `ready` answers 503, so that no new work is sent here. */
  drain(): void
}

const checkMs = 1_000

/**
 * `/livez` says that the process turns; `/readyz` runs each check, giving it a second.
 * Checks named in `optional` are reported but do not make the service unready: it works without them.
 */
export function createHealth(checks: Checks, optional: string[] = []): Health {
  let draining = false
  return {
    live: () => ({ status: 200, body: { status: 'ok' } }),
    async ready() {
      const results = await Promise.all(Object.entries(checks).map(runCheck))
      const failed = results.some(([name, result]) => result !== 'ok' && !optional.includes(name))
      const status = draining ? 'draining' : failed ? 'unavailable' : 'ok'
      return {
        status: status === 'ok' ? 200 : 503,
        body: { status, checks: Object.fromEntries(results) },
      }
    },
    drain() {
      draining = true
    },
  }
}

/** `/livez` and `/readyz`, for whoever watches a process that has no other routes. */
export function answerHealth(health: Health): RequestListener {
  return async (request, response) => {
    const answer =
      request.url === '/livez'
        ? health.live()
        : request.url === '/readyz'
          ? await health.ready()
          : { status: 404, body: { status: 'nothing here' } }
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  }
}

async function runCheck([name, check]: [string, () => Promise<unknown>]): Promise<
  [string, string]
> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('late')), checkMs).unref()
  })
  try {
    await Promise.race([check(), late])
    return [name, 'ok']
  } catch (error) {
    return [
      name,
      error instanceof Error && error.message === 'late' ? 'no answer within 1 s' : 'failed',
    ]
  }
}
