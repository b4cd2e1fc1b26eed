import { type Problem, problemBody } from '@clew/kit/problem'

export function replyJson(body: object, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json' },
  })
}

export function replyNothing(): Response {
  return new Response(null, { status: 204 })
}

/** RFC 9457. */
export function replyProblem(problem: Problem): Response {
  return new Response(JSON.stringify(problemBody(problem)), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...problem.headers },
  })
}
