import { request } from 'undici'

export type Answer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** The parsed JSON; the text itself when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into answers of every shape
  body: any
  /** The body as it came. */
  bytes: Buffer
  /** As the answer's `X-Trace-Id` says; empty when it says nothing. */
  traceId: string
}

export type Asking = {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Sent as JSON unless it is text or bytes already. */
  body?: unknown
  headers?: Record<string, string | string[]>
}

/** One request, as it is: no retries, no redirects followed, cookies left alone. */
export async function ask(url: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', body, headers } = asking
  const raw = typeof body === 'string' || body instanceof Uint8Array
  const answer = await request(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : raw ? body : JSON.stringify(body),
  })
  const bytes = Buffer.from(await answer.body.arrayBuffer())
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: parseIfJson(bytes.toString()),
    bytes,
    traceId: String(answer.headers['x-trace-id'] ?? ''),
  }
}

function parseIfJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
