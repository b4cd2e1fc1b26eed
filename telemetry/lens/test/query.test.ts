import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Lens, makeSpan, openFolder, openLens, spanIdOf, toBody, traceIdOf } from './lens.ts'

// Requests and answers as Jaeger's own clients make and read them.

let folder: Awaited<ReturnType<typeof openFolder>>
let lens: Lens

const text = (key: string, value: string) => ({ key, value: { stringValue: value } })
const window =
  'query.startTimeMin=2023-11-14T22:13:00Z&query.startTimeMax=2023-11-14T23:13:00.5%2B00:00'

beforeAll(async () => {
  folder = await openFolder()
  lens = await openLens(folder.path)
  await lens.send([
    makeSpan(1, 1, { name: 'POST /login', lasts: 200, attributes: [text('user.id', 'u1')] }),
    makeSpan(1, 2, { name: 'SELECT users', kind: 3, parent: 1, lasts: 5 }),
  ])
  await lens.send(
    [
      makeSpan(2, 1, {
        name: 'GET /users/{id}',
        at: 60_000,
        lasts: 20,
        attributes: [
          text('user.id', 'say "hi"'),
          { key: 'count', value: { intValue: '42' } },
          { key: 'hit', value: { boolValue: true } },
        ],
      }),
    ],
    'profile',
  )
  await lens.send(
    [
      makeSpan(3, 1, { name: 'GET /users/{id}', at: 120_000, lasts: 2, status: { code: 2 } }),
      makeSpan(3, 2, { name: 'SELECT users', kind: 3, parent: 1, at: 120_000, lasts: 1_500 }),
    ],
    'profile',
  )
})
afterAll(async () => {
  await lens[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

async function found(query: string): Promise<number[]> {
  return (await lens.summaries(query)).map(({ traceId }) => Number(traceId))
}

describe('services and operations', () => {
  test('are listed in order', async () => {
    const services = await lens.get('/api/v3/services')
    expect(services).toMatchObject({ status: 200, body: { services: ['auth', 'profile'] } })
    expect(services.headers.get('content-type')).toBe('application/json')
    const operations = await lens.get('/api/v3/operations?service=auth')
    expect(operations.body).toEqual({
      operations: [
        { name: 'POST /login', spanKind: 'server' },
        { name: 'SELECT users', spanKind: 'client' },
      ],
    })
  })

  test.each(['span_kind', 'spanKind'])('by %s', async (parameter) => {
    const { body } = await lens.get(`/api/v3/operations?service=auth&${parameter}=client`)
    expect(body).toEqual({ operations: [{ name: 'SELECT users', spanKind: 'client' }] })
  })

  test('an unknown service has none', async () => {
    expect((await lens.get('/api/v3/operations?service=x')).body).toEqual({ operations: [] })
  })
})

describe('a trace by id', () => {
  test('comes as OTLP under result', async () => {
    const { status, body } = await lens.get(`/api/v3/traces/${traceIdOf(1)}`)
    expect(status).toBe(200)
    const { resourceSpans } = JSON.parse(
      toBody([
        makeSpan(1, 1, { name: 'POST /login', lasts: 200, attributes: [text('user.id', 'u1')] }),
        makeSpan(1, 2, { name: 'SELECT users', kind: 3, parent: 1, lasts: 5 }),
      ]),
    )
    expect(body).toEqual({ result: { resourceSpans } })
  })

  test('may be given short or in upper case', async () => {
    expect((await lens.get('/api/v3/traces/1')).status).toBe(200)
  })

  test.each([
    ['unknown', `/api/v3/traces/${traceIdOf(99)}`, 404, 'No traces found'],
    ['malformed', '/api/v3/traces/xyz', 400, 'malformed parameter trace_id'],
  ])('%s: an error as Jaeger shapes it', async (_, path, httpCode, message) => {
    const { status, body } = await lens.get(path)
    expect(status).toBe(httpCode)
    expect(body).toEqual({ error: { httpCode, message: expect.stringContaining(message) } })
  })
})

describe('search', () => {
  test.each([
    ['nothing: all, newest first', '', [3, 2, 1]],
    ['a service', 'query.serviceName=profile', [3, 2]],
    ['a service, older spelling', 'query.service_name=profile', [3, 2]],
    ['an unknown service', 'query.serviceName=x', []],
    ['an operation', 'query.serviceName=profile&query.operationName=SELECT%20users', [3]],
    [
      'an operation of another service',
      'query.serviceName=profile&query.operationName=POST%20/login',
      [],
    ],
    ['an operation of any service', 'query.operation_name=SELECT%20users', [3, 1]],
    ['a shortest duration', 'query.durationMin=100ms', [3, 1]],
    ['a longest duration', 'query.duration_max=4ms', [3]],
    ['both on one span', 'query.durationMin=3ms&query.durationMax=10ms', [1]],
    ['service and duration on one span', 'query.serviceName=auth&query.durationMin=1s', []],
    [
      'a window',
      'query.startTimeMin=2023-11-14T22:14:20Z&query.startTimeMax=2023-11-14T22:15:00Z',
      [2],
    ],
    ['a window, its end excluded', 'query.start_time_max=2023-11-14T22:14:20Z', [1]],
    ['a limit', 'query.searchDepth=1', [3]],
    ['a limit, older names', 'query.num_traces=2', [3, 2]],
  ])('by %s', async (_, query, traces) => {
    expect(await found(query)).toEqual(traces)
  })

  test.each([
    [{ 'user.id': 'u1' }, [1]],
    [{ 'user.id': 'say "hi"' }, [2]],
    [{ count: '42' }, [2]],
    [{ count: '42', hit: 'true' }, [2]],
    [{ count: '42', 'user.id': 'u1' }, []],
    [{ 'service.name': 'auth' }, [1]],
    [{ error: 'true' }, [3]],
    [{ 'span.kind': 'client' }, [3, 1]],
    [{ 'span.status': 'error' }, [3]],
    [{ nothing: '' }, []],
  ])('by attributes %j', async (attributes, traces) => {
    expect(
      await found(`query.attributes=${encodeURIComponent(JSON.stringify(attributes))}`),
    ).toEqual(traces)
  })

  test('an operation and an attribute must meet on one span', async () => {
    const attributes = encodeURIComponent('{"user.id":"u1"}')
    const query = (operation: string) =>
      `query.operationName=${encodeURIComponent(operation)}&query.attributes=${attributes}`
    expect(await found(query('POST /login'))).toEqual([1])
    expect(await found(query('SELECT users'))).toEqual([])
  })

  test('for whole traces gives OTLP, and an error when there are none', async () => {
    const { body } = await lens.get(`/api/v3/traces?query.serviceName=profile&${window}`)
    expect(body.result.resourceSpans).toHaveLength(2)
    const none = await lens.get(`/api/v3/traces?query.serviceName=x&${window}`)
    expect(none).toMatchObject({ status: 404, body: { error: { message: 'No traces found' } } })
  })

  test.each([
    ['/api/v3/traces?query.serviceName=auth', 'query.start_time_min and query.start_time_max'],
    ['/api/v3/trace-summaries?query.startTimeMin=today', 'query.startTimeMin'],
    ['/api/v3/trace-summaries?query.duration_min=5', 'query.duration_min'],
    ['/api/v3/trace-summaries?query.searchDepth=many', 'query.searchDepth'],
    ['/api/v3/trace-summaries?query.attributes=[1]', 'query.attributes'],
  ])('%s is refused by name', async (path, parameter) => {
    const { status, body } = await lens.get(path)
    expect(status).toBe(400)
    expect(body).toEqual({ error: { httpCode: 400, message: expect.stringContaining(parameter) } })
  })

  test('summaries have Jaeger’s fields', async () => {
    expect((await lens.summaries('query.searchDepth=1'))[0]).toEqual({
      traceId: traceIdOf(3),
      rootServiceName: 'profile',
      rootOperationName: 'GET /users/{id}',
      minStartTimeUnixNano: '1700000120000000000',
      maxEndTimeUnixNano: '1700000121500000000',
      spanCount: 2,
      errorSpanCount: 1,
      orphanSpanCount: 0,
      services: [{ name: 'profile', spanCount: 2, errorSpanCount: 1 }],
    })
  })
})

describe('the older API', () => {
  test('gives a trace with processes, references and tags', async () => {
    const { body } = await lens.get(`/api/traces/${traceIdOf(1)}`)
    expect(body).toEqual({
      data: [
        {
          traceID: traceIdOf(1),
          spans: [
            {
              traceID: traceIdOf(1),
              spanID: spanIdOf(1),
              operationName: 'POST /login',
              references: [],
              startTime: 1_700_000_000_000_000,
              duration: 200_000,
              tags: [
                { key: 'otel.scope.name', type: 'string', value: 'test' },
                { key: 'otel.scope.version', type: 'string', value: '1' },
                { key: 'user.id', type: 'string', value: 'u1' },
                { key: 'span.kind', type: 'string', value: 'server' },
              ],
              logs: [],
              processID: 'p1',
              warnings: null,
            },
            expect.objectContaining({
              references: [{ refType: 'CHILD_OF', traceID: traceIdOf(1), spanID: spanIdOf(1) }],
            }),
          ],
          processes: { p1: { serviceName: 'auth', tags: [] } },
          warnings: null,
        },
      ],
      total: 0,
      limit: 0,
      offset: 0,
      errors: null,
    })
  })

  test('says in its own way that a trace is unknown', async () => {
    const { status, body } = await lens.get(`/api/traces/${traceIdOf(99)}`)
    expect(status).toBe(404)
    expect(body.errors).toEqual([{ code: 404, msg: 'trace not found' }])
    expect(body.data).toBeNull()
  })
})

test('lens tells of itself', async () => {
  expect((await lens.get('/livez')).status).toBe(200)
  expect((await lens.get('/readyz')).status).toBe(200)
  expect((await lens.get('/stats')).body).toMatchObject({
    received: 5,
    stored: 5,
    rejected: 0,
    duplicate: 0,
    evictedTraces: 0,
    traces: 3,
    spans: 5,
  })
  expect((await lens.get('/api/v3/nothing')).status).toBe(404)
  expect((await fetch(`${lens.queryUrl}/api/v3/services`, { method: 'DELETE' })).status).toBe(405)
})
