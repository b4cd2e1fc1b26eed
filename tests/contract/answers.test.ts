import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, ask } from '../answer.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { readPlatform } from '../platform.ts'
import { type Prepared, services, somebody } from './services.ts'
import { badTokens } from './tokens.ts'

const tokens = await badTokens()

describe.each(services)('$name', (service) => {
  const { name, guarded, takes } = service
  const url = readPlatform().urls[name]
  let prepared: Prepared
  beforeAll(async () => {
    prepared = await takes.prepare()
  })
  const post = (body: unknown, headers = {}) =>
    ask(url + takes.path, { method: 'POST', body, headers: { ...prepared.headers, ...headers } })

  it('says that it is well', async () => {
    const live = await ask(`${url}/livez`)
    expect([live.status, live.body]).toEqual([200, { status: 'ok' }])
    const ready = await ask(`${url}/readyz`)
    expect([ready.status, ready.body.status]).toEqual([200, 'ok'])
    expect(Object.values(ready.body.checks)).toEqual(expect.arrayContaining(['ok']))
  })

  it('leaves no trace of health checks', async () => {
    const [traceId, spanId] = callersIds()
    const traceparent = `00-${traceId}-${spanId}-01`
    await ask(`${url}/livez`, { headers: { traceparent } })
    await ask(`${url}/readyz`, { headers: { traceparent } })
    const { trace } = await journey('after health checks', () =>
      ask(`${url}/nowhere`, { headers: { traceparent } }),
    )
    expect(trace.id).toBe(traceId)
    await trace.toBe(`${name} SERVER GET  http.response.status_code=404`)
  })

  it('answers to an unknown path with a problem', async () => {
    const { answer, trace } = await journey('an unknown path', () => ask(`${url}/nowhere/42?q=1`))
    expectProblem(answer, 404)
    await trace.toBe(`${name} SERVER GET  http.response.status_code=404 !http.route`)
  })

  it('answers to JSON that is broken', async () => {
    expectProblem(await post('{"a": '), 400)
    expectProblem(await post('"just a text"'), 400)
    expectProblem(await post('[]'), 400)
  })

  it('answers to an unknown field, and names it', async () => {
    const answer = await post({ ...prepared.body, surprise: true })
    expectProblem(answer, 422)
    expect(answer.body.errors).toEqual([{ field: 'surprise', message: expect.any(String) }])
  })

  it('answers to a body that is no JSON by its type', async () => {
    expectProblem(await post('a=1', { 'content-type': 'text/plain' }), 415)
  })

  it('answers to a body that is too large, and leaves no connection hanging', async () => {
    expectProblem(await post(`{"a": "${'x'.repeat(1_500_000)}"}`), 413)
    // One that only announces much is refused as well, before it has sent it.
    const answer = await announce(`${url}${takes.path}`, 50_000_000, prepared.headers)
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  for (const [why, authorization] of Object.entries(tokens)) {
    it.concurrent(`refuses ${why}, and says no more than that`, async () => {
      const { answer, trace } = await journey(why, () =>
        ask(url + guarded.path, {
          method: guarded.method,
          headers: authorization ? { authorization } : {},
        }),
      )
      expectProblem(answer, 401)
      expect(answer.body.detail).toBe('A valid access token is needed.')
      expect(answer.body.errors).toBeUndefined()
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
      await trace.toBe(
        `${name} SERVER ${guarded.method} ${guarded.route}  http.response.status_code=401`,
      )
    })
  }

  it('gives the trace to its caller', async () => {
    const { answer, trace } = await journey('whose trace', () => ask(`${url}/openapi.json`))
    const [span] = await trace.spans()
    expect(answer.headers.traceresponse).toBe(`00-${trace.id}-${span?.id}-01`)
    expect(answer.headers['x-trace-id']).toBe(trace.id)
  })

  it('goes on with the trace of its caller, state and baggage included', async () => {
    const [traceId, spanId] = callersIds()
    const { trace } = await journey('a caller with a trace', () =>
      ask(`${url}/openapi.json`, {
        headers: {
          traceparent: `00-${traceId}-${spanId}-01`,
          tracestate: 'other=1',
          baggage: 'clew.run=contract,secret.key=1',
        },
      }),
    )
    expect(trace.id).toBe(traceId)
    await trace.toBe(`${name} SERVER GET /openapi.json  clew.run=contract !secret.key`)
    expect((await trace.spans())[0]?.parentId).toBe(spanId)
  })

  it('takes a trace that is none for none', async () => {
    for (const traceparent of [
      `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`,
      `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`,
      'rubbish',
    ]) {
      const { answer, trace } = await journey(traceparent, () =>
        ask(`${url}/openapi.json`, { headers: { traceparent } }),
      )
      expect(answer.status).toBe(200)
      expect(trace.id).not.toMatch(/^(0{32}|1{32})$/)
      await trace.toBe(`${name} SERVER GET /openapi.json`)
    }
  })

  it('describes what it serves: every operation leads to a route of that name', async () => {
    const { body } = await ask(`${url}/openapi.json`)
    expect(body.openapi).toMatch(/^3\.1/)
    const documented = Object.entries<object>(body.paths)
      .filter(([path]) => path !== '/livez' && path !== '/readyz')
      .flatMap(([path, operations]) =>
        Object.keys(operations).map((method) => ({ method: method.toUpperCase(), path })),
      )
    const served = documented.map(async ({ method, path }) => {
      const concrete = path.replace(/\{\w+\}/g, somebody)
      const { trace } = await journey(`${method} ${path}`, () =>
        ask(url + concrete, { method: method as 'GET' }),
      )
      const spans = await trace.spans()
      return spans.find(({ kind }) => kind === 'SERVER')?.name
    })
    expect(await Promise.all(served)).toEqual(documented.map((it) => `${it.method} ${it.path}`))
  })
})

function expectProblem(answer: Answer, status: number) {
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(answer.body).toMatchObject({
    type: expect.any(String),
    title: expect.any(String),
    status,
    detail: expect.any(String),
    trace_id: answer.traceId,
  })
}

function callersIds(): [traceId: string, spanId: string] {
  const spanId = randomBytes(8).toString('hex')
  note({ outside: spanId })
  return [randomBytes(16).toString('hex'), spanId]
}

/** Announces a body and sends none of it; gives the first line of the answer. */
async function announce(
  address: string,
  bytes: number,
  headers: Record<string, string>,
): Promise<string> {
  const { hostname, port, pathname } = new URL(address)
  const socket = connect(Number(port), hostname)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  socket.setTimeout(5_000, () => reject(new Error('no answer for 5 s')))
  socket.on('error', reject)
  socket.on('data', (data) => resolve(data.toString().split('\r\n')[0] ?? ''))
  const lines = Object.entries({
    host: hostname,
    'content-type': 'application/json',
    'content-length': bytes,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`)
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}
