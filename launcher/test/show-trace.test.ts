import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { failure, profileRead, registration, toOtlp } from '../trace/fixtures.ts'
import { showTrace } from '../trace/show.ts'
import type { ResourceSpans } from '../trace/span.ts'

const id = '4bf92f3577b34da6a3ce929d0e0e4736'
const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server[Symbol.asyncDispose]()
})

type Answer = unknown | ((url: URL) => unknown)

/** A store that answers each path with JSON, and with 404 where nothing is written. */
async function serve(answers: Record<string, Answer>): Promise<string> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const answer = answers[url.pathname]
    const body = typeof answer === 'function' ? answer(url) : answer
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? { error: { httpCode: 404, message: 'not found' } }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push({
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function trace(resourceSpans: ResourceSpans[]) {
  return { result: { resourceSpans } }
}

test('shows a trace by its id, by a traceparent, and in capitals', async () => {
  const queryUrl = await serve({ [`/api/v3/traces/${id}`]: trace(toOtlp(profileRead)) })
  for (const name of [id, id.toUpperCase(), `00-${id}-00f067aa0ba902b7-01`]) {
    const text = await showTrace({ queryUrl, id: name, color: false })
    expect(text).toContain('GET /api/users/{id} → 200')
  }
})

test('last is the newest request, not the newest noise', async () => {
  const summary = (
    traceId: string,
    rootServiceName: string,
    rootOperationName: string,
    at: string,
  ) => ({
    traceId,
    rootServiceName,
    rootOperationName,
    minStartTimeUnixNano: `${at}000000000`,
  })
  const queryUrl = await serve({
    '/api/v3/trace-summaries': {
      summaries: [
        summary('0'.repeat(32), 'gateway', 'GET /health', '1763716809'),
        summary('1'.repeat(32), '', '', '1763716808'),
        summary('2'.repeat(32), 'jaeger', '/api/v3/traces', '1763716807'),
        summary('3'.repeat(32), 'gateway', 'GET /api/users/{id}', '1763716805'),
        summary(id, 'gateway', 'POST /api/auth/register', '1763716806'),
      ],
    },
    [`/api/v3/traces/${id}`]: trace(toOtlp(registration)),
  })
  const text = await showTrace({ queryUrl, id: 'last', color: false })
  expect(text).toContain('POST /api/auth/register → 201')
})

test('asks a store without summaries for the traces of every service', async () => {
  const queryUrl = await serve({
    '/api/v3/services': { services: ['gateway', 'profile'] },
    '/api/v3/traces': (url: URL) => {
      const service = url.searchParams.get('query.service_name')
      return service === 'profile' ? trace(toOtlp(failure)) : trace([])
    },
    [`/api/v3/traces/${id}`]: trace(toOtlp(failure)),
  })
  const text = await showTrace({ queryUrl, id: 'last', color: false })
  expect(text).toContain('POST /api/users/{id}/follow → 503')
})

test('waits for a trace that is still coming in', async () => {
  let asked = 0
  const growing = () => {
    asked++
    if (asked < 3) return undefined
    return trace(toOtlp(asked < 5 ? registration.slice(0, 1) : registration))
  }
  const queryUrl = await serve({ [`/api/v3/traces/${id}`]: growing })
  const expected = (services: string[]) => services.includes('profile')
  const text = await showTrace({ queryUrl, id, color: false, waitMs: 20_000, expect: expected })
  expect(text).toContain('16 spans · 3 services')
})

test('says in one sentence what is wrong', async () => {
  const queryUrl = await serve({ '/api/v3/services': { services: [] } })
  const failing = (id: string, url = queryUrl) => showTrace({ queryUrl: url, id, waitMs: 100 })
  await expect(failing(id)).rejects.toThrow(`No trace has the id ${id}: it may be`)
  await expect(failing('last')).rejects.toThrow('No request has been traced yet')
  await expect(failing('nonsense')).rejects.toThrow('nonsense is no trace id')
  await expect(failing(id, 'http://127.0.0.1:9')).rejects.toThrow('start Clew with `npm start`')
})
