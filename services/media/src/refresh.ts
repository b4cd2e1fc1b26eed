import { Problem } from '@clew/kit/problem'
import { traceCall } from '@clew/telemetry/http-client'
import { keysOf } from './media.ts'

/**
 * Makes the gateway ask again for all that its cache may hold of this media.
 * @throws Problem 503 unless it did
 */
export type Refresh = (mediaId: string) => Promise<void>

const withinMs = 5_000

/**
 * The gateway's cache outlives a deletion. It asks anew for whoever shows the key, and keeps what
 * it is told then over what it had. Without a key there is no cache to refresh.
 */
export function createRefresh(gatewayUrl: string, key: string): Refresh {
  const { origin, hostname, port } = new URL(gatewayUrl)

  async function refreshOne(path: string): Promise<void> {
    const template = '/media/{id}/{variant}'
    const place = { url: origin + path, address: hostname, port: Number(port || 80) }
    const call = { method: 'GET', template, ...place, resend: 0, breaker: 'closed' as const }
    const { status, stale } = await traceCall(call, async (headers) => {
      const answer = await fetch(place.url, {
        headers: { 'x-clew-refresh': key, ...headers },
        signal: AbortSignal.timeout(withinMs),
      })
      // To its end: the gateway stores only what it has passed on whole.
      await answer.body?.pipeTo(new WritableStream())
      return { status: answer.status, stale: answer.headers.get('x-cache') === 'stale' }
    }).catch((error) => Promise.reject(notRefreshed(error)))
    // An old answer, given because we ourselves were not there to be asked, is no new one.
    if (status >= 500 || stale) throw notRefreshed(new Error(`the gateway answered ${status}`))
  }
  return async (mediaId) => {
    if (key === '') return
    for (const name of keysOf(mediaId)) await refreshOne(`/media/${name}`)
  }
}

function notRefreshed(cause: unknown): Problem {
  return new Problem(503, "The gateway's cache cannot be refreshed right now.", { cause })
}
