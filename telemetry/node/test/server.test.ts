import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TraceSpan } from '../../../tests/trace.ts'
import { apps, type Work } from './apps.ts'
import { type Collector, openCollector } from './collector.ts'

let collector: Collector
let traceRequests: typeof import('@clew/telemetry/http-server').traceRequests
let traceOperation: typeof import('@clew/telemetry/database').traceOperation

beforeAll(async () => {
  collector = await openCollector()
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = collector.url
  process.env.CLEW_TELEMETRY = 'lean'
  // As `--import` does it: before anything that makes spans.
  await import('../register.ts')
  ;({ traceRequests } = await import('@clew/telemetry/http-server'))
  ;({ traceOperation } = await import('@clew/telemetry/database'))
})
afterAll(() => collector[Symbol.asyncDispose]())
beforeEach(() => collector.forget())

describe.each(Object.entries(apps))('the server span around %s', (_, createApp) => {
  let server: Server
  let url: string
  let work: Work

  beforeEach(async () => {
    work = async () => {}
    server = createServer(traceRequests(createApp((id) => work(id))))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('is named after the route, without the id and without the query', async () => {
    const answer = await fetch(`${url}/things/42?word=private`)
    const [span] = await spansOf(1)
    expect(span).toMatchObject({ kind: 'SERVER', name: 'GET /things/{id}', status: 'unset' })
    expect(valuesOf(span)).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/things/{id}',
      'http.response.status_code': 204,
      'url.path': '/things/42',
    })
    expect(answer.headers.get('x-trace-id')).toBe(span?.traceId)
    expect(answer.headers.get('traceresponse')).toBe(`00-${span?.traceId}-${span?.id}-01`)
  })

  it('has no route where none matched, and a 404 is no error', async () => {
    await fetch(`${url}/nowhere/42`)
    const [span] = await spansOf(1)
    expect(span).toMatchObject({ name: 'GET', status: 'unset' })
    expect(valuesOf(span)['http.response.status_code']).toBe(404)
    expect(span?.attributes['http.route']).toBeUndefined()
  })

  it('tells the exception behind a 5xx once, with its route', async () => {
    work = async () => {
      throw new TypeError('what a person typed')
    }
    await fetch(`${url}/things/42`)
    const [span] = await spansOf(1)
    expect(span).toMatchObject({ name: 'GET /things/{id}', status: 'error' })
    expect(valuesOf(span)).toMatchObject({
      'http.response.status_code': 500,
      'error.type': '500',
    })
    const [exception, ...more] = span?.events ?? []
    expect(more).toEqual([])
    expect(exception?.attributes['exception.type']?.value).toBe('TypeError')
    expect(exception?.attributes['exception.stacktrace']?.value).toContain('server.test.ts')
    expect(JSON.stringify(exception)).not.toContain('typed')
  })

  it('ends when the client goes, without a status', async () => {
    const begun = Promise.withResolvers<void>()
    work = async () => {
      begun.resolve()
      await sleep(400)
    }
    const going = request(`${url}/things/42`)
    going.on('error', () => {})
    going.end()
    await begun.promise
    going.destroy()
    const [span] = await spansOf(1)
    expect(span).toMatchObject({ kind: 'SERVER', status: 'unset' })
    expect(span?.attributes['http.response.status_code']).toBeUndefined()
  })

  it('is the parent of what is done for the request, and hands on its baggage', async () => {
    work = async () => {
      await sleep(1)
      await traceOperation({ name: 'GET thing', attributes: {} }, async () => 'found')
    }
    const traceId = 'a'.repeat(32)
    await fetch(`${url}/things/42`, {
      headers: {
        traceparent: `00-${traceId}-${'b'.repeat(16)}-01`,
        baggage: 'clew.run=test,session.id=phone-1,clew.fault=all,user.email=a%40b.example',
      },
    })
    const spans = await spansOf(2)
    const server = spans.find(({ kind }) => kind === 'SERVER')
    const client = spans.find(({ kind }) => kind === 'CLIENT')
    expect(server).toMatchObject({ traceId, parentId: 'b'.repeat(16) })
    expect(client).toMatchObject({ traceId, parentId: server?.id })
    for (const span of spans) {
      const values = valuesOf(span)
      expect(values).toMatchObject({ 'clew.run': 'test', 'session.id': 'phone-1' })
      expect(Object.keys(values)).not.toEqual(expect.arrayContaining(['user.email']))
      expect(Object.keys(values)).not.toEqual(expect.arrayContaining(['clew.fault']))
    }
  })

  it('is not made for health checks, nor for what they do, nor for a caller who decided against', async () => {
    work = async () => {
      await traceOperation({ name: 'GET thing', attributes: {} }, async () => 'found')
    }
    await fetch(`${url}/livez`)
    await fetch(`${url}/readyz`)
    const unsampled = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-00`
    await fetch(`${url}/things/42`, { headers: { traceparent: unsampled } })
    await fetch(`${url}/nowhere`)
    const spans = await spansOf(1)
    expect(spans.map(({ name }) => name)).toEqual(['GET'])
  })
})

/** Waits for so many spans, then for those there should not be. */
async function spansOf(count: number): Promise<TraceSpan[]> {
  await collector.receive(count)
  await sleep(100)
  expect(collector.spans()).toHaveLength(count)
  return collector.spans()
}

function valuesOf(span: TraceSpan | undefined): Record<string, unknown> {
  const entries = Object.entries(span?.attributes ?? {})
  return Object.fromEntries(entries.map(([name, { value }]) => [name, value]))
}
