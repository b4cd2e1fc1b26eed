import { Pool } from 'undici'

export type Asking = {
  method: 'GET' | 'POST'
  path: string
  /** An access token. */
  token?: string
  /** JSON. */
  body?: string
}
/** What a run of requests got. Times are in milliseconds, the rest are sums. */
export type Got = {
  pages: number
  posts: number
  bytes: number
  /** Pages by what their X-Cache said. */
  hits: number
  misses: number
  times: number[]
}

const leastPosts = 18
const leastBytes = 4_096

/**
 * Each connection sends its next request when the last was answered, until `amount` were sent.
 * @throws Error when an answer was refused, or its pages were too small to be real: the run is void
 */
export async function sendAll(
  origin: string,
  amount: number,
  next: (place: number) => Asking | Promise<Asking>,
  connections = 8,
): Promise<Got> {
  const pool = new Pool(origin, { connections })
  const got: Got = { pages: 0, posts: 0, bytes: 0, hits: 0, misses: 0, times: [] }
  let sent = 0
  const work = async () => {
    while (sent < amount) {
      const asking = await next(sent++)
      const began = performance.now()
      const { statusCode, headers, body } = await pool.request(toRequest(asking))
      const answer = Buffer.from(await body.arrayBuffer())
      got.times.push(performance.now() - began)
      if (statusCode >= 300) {
        throw new Error(`${asking.method} ${asking.path} answered ${statusCode}: the run is void`)
      }
      if (asking.method === 'GET') addPage(got, answer, headers['x-cache'])
    }
  }
  await Promise.all(Array.from({ length: connections }, work)).finally(() => pool.destroy())
  refuseEmpty(got)
  return got
}

export function toRequest({ method, path, token, body }: Asking) {
  return {
    method,
    path,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body }),
  }
}

function addPage(got: Got, answer: Buffer, cache: unknown): void {
  // The count stands behind the posts; reading all of each page would keep the driver busy.
  const [, count] = /"count":(\d+)/.exec(answer.subarray(-400).toString()) ?? []
  got.pages += 1
  got.posts += Number(count ?? 0)
  got.bytes += answer.length
  if (cache === 'hit') got.hits += 1
  else got.misses += 1
}

/** An empty timeline is fast to read, and says nothing. */
function refuseEmpty({ pages, posts, bytes }: Got): void {
  if (pages === 0) return
  if (posts / pages >= leastPosts && bytes / pages >= leastBytes) return
  const [each, size] = [(posts / pages).toFixed(1), (bytes / pages).toFixed(0)]
  throw new Error(`${each} posts and ${size} bytes a page are no real pages: the run is void`)
}
