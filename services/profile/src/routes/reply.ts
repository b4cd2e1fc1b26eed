import { type Problem, problemBody } from '@clew/kit/problem'

const fresh = { 'content-type': 'application/json' }
const fromCache = {
  hit: { 'content-type': 'application/json', 'x-cache': 'hit' },
  miss: { 'content-type': 'application/json', 'x-cache': 'miss' },
}

/**
 * JSON text that is ready to send. Written as a plain Response: Hono's own helpers would turn two
 * headers into a Headers object, which on the hottest route costs more than the rest of the answer.
 */
export function replyCached(text: string, from: 'hit' | 'miss'): Response {
  return new Response(text, { headers: fromCache[from] })
}

/** JSON text that no cache holds. */
export function replyText(text: string): Response {
  return new Response(text, { headers: fresh })
}

export function replyJson(body: object, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: fresh })
}

/** RFC 9457. */
export function replyProblem(problem: Problem): Response {
  return new Response(JSON.stringify(problemBody(problem)), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...problem.headers },
  })
}
