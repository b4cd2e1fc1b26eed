import type { RequestListener, ServerResponse } from 'node:http'
import type { Counters } from '../counters.ts'
import { legacyAnswers } from './legacy-answers.ts'
import { QueryError } from './parameters.ts'
import type { Reader } from './reader.ts'
import { v3Answers } from './v3-answers.ts'

/** Makes the body of an answer, already in JSON. */
export type Answer = (parameters: URLSearchParams, id: string) => string | Buffer
export type Answers = Record<string, Answer>

/** Jaeger's query API over what lens stored, and lens' own state. */
export function createQueryServer(reader: Reader, counters: Counters): RequestListener {
  const answers: Answers = {
    ...v3Answers(reader),
    ...legacyAnswers(reader),
    '/stats': () => JSON.stringify(counters.read()),
    '/livez': () => '{"status":"ok"}',
    '/readyz': () => JSON.stringify({ status: reader.ready() && 'ok' }),
  }
  return (request, response) => {
    const target = request.url ?? '/'
    const legacy = target.startsWith('/api/') && !target.startsWith('/api/v3/')
    try {
      if (request.method !== 'GET') throw new QueryError(405, 'lens only answers GET')
      const { pathname, searchParams } = readTarget(target)
      const [answer, id] = findAnswer(answers, pathname)
      send(response, 200, answer(searchParams, id))
    } catch (error) {
      const known = error instanceof QueryError
      const status = known ? error.status : 500
      const message = known ? error.message : `lens failed: ${error}`
      send(response, status, legacy ? legacyError(status, message) : v3Error(status, message))
    }
  }
}

function readTarget(target: string): URL {
  const url = URL.parse(target, 'http://lens')
  if (url) return url
  throw new QueryError(400, `lens cannot read the path ${target}`)
}

function findAnswer(answers: Answers, path: string): [Answer, string] {
  const exact = answers[path]
  if (exact) return [exact, '']
  const slash = path.lastIndexOf('/')
  const withId = answers[`${path.slice(0, slash)}/{id}`]
  if (withId) return [withId, path.slice(slash + 1)]
  throw new QueryError(404, `lens has no ${path}`)
}

function v3Error(httpCode: number, message: string): string {
  return JSON.stringify({ error: { httpCode, message } })
}

function legacyError(code: number, msg: string): string {
  return JSON.stringify({ data: null, total: 0, limit: 0, offset: 0, errors: [{ code, msg }] })
}

function send(response: ServerResponse, status: number, body: string | Buffer): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response
    .writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': bytes.length,
      'X-Content-Type-Options': 'nosniff',
    })
    .end(bytes)
}
