import { statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Lens, makeSpan, openFolder, openLens, spanIdOf, toBody, traceIdOf } from './lens.ts'

// The faults found in other stores of traces, each of which lens must not have.
// How much a reader slows intake (12) is a measurement as well: loadtests/bench/lens.ts.

let folder: Awaited<ReturnType<typeof openFolder>>
let lens: Lens

beforeEach(async () => {
  folder = await openFolder()
  lens = await openLens(folder.path)
})
afterEach(async () => {
  await lens[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

async function reopen(limits: { bytes?: number; traces?: number } = {}): Promise<void> {
  await lens[Symbol.asyncDispose]()
  lens = await openLens(folder.path, { limits })
}

describe('1: a duplicate span costs its neighbours nothing', () => {
  test('within a batch and across batches', async () => {
    await lens.send([makeSpan(1, 1), makeSpan(1, 1), makeSpan(1, 2)])
    await lens.send([makeSpan(1, 2), makeSpan(1, 3), makeSpan(2, 1)])
    expect((await lens.spansOf(traceIdOf(1))).map((span) => Number(span.spanId))).toEqual([1, 2, 3])
    expect(await lens.spansOf(traceIdOf(2))).toHaveLength(1)
    expect(lens.counters.read()).toMatchObject({ received: 6, stored: 4, duplicate: 2 })
  })

  test('after a restart', async () => {
    await lens.send([makeSpan(1, 1), makeSpan(1, 2)])
    await reopen()
    await lens.send([makeSpan(1, 2), makeSpan(1, 3)])
    expect(await lens.spansOf(traceIdOf(1))).toHaveLength(3)
    expect(lens.counters.read()).toMatchObject({ stored: 1, duplicate: 1, spans: 3 })
  })
})

test('2: the same span id in two traces is two spans', async () => {
  await lens.send([makeSpan(1, 7, { name: 'one' }), makeSpan(2, 7, { name: 'two' })])
  expect(await lens.spansOf(traceIdOf(1))).toMatchObject([{ name: 'one' }])
  expect(await lens.spansOf(traceIdOf(2))).toMatchObject([{ name: 'two' }])
})

describe('3: order of arrival does not matter', () => {
  test('root last, in another batch of another service', async () => {
    await lens.send([makeSpan(1, 2, { parent: 1, at: 2, name: 'child' })], 'profile')
    expect(await lens.summaries()).toMatchObject([{ orphanSpanCount: 1 }])
    await lens.send([makeSpan(1, 1, { at: 1, name: 'root' })], 'auth')
    expect(await lens.summaries()).toMatchObject([
      {
        rootServiceName: 'auth',
        rootOperationName: 'root',
        spanCount: 2,
        orphanSpanCount: 0,
        services: [{ name: 'auth' }, { name: 'profile' }],
      },
    ])
  })

  test('and calls between services are counted in any order', async () => {
    await lens.send([makeSpan(1, 2, { parent: 1 })], 'profile')
    await lens.send([makeSpan(1, 1)], 'auth')
    await lens.send([makeSpan(2, 1)], 'auth')
    await reopen()
    await lens.send([makeSpan(2, 2, { parent: 1 })], 'profile')
    const { body } = await lens.get('/api/dependencies?endTs=1700000060000&lookback=3600000')
    expect(body.data).toEqual([{ parent: 'auth', child: 'profile', callCount: 2 }])
  })

  test('a span that comes after its trace was evicted makes no second, whole-looking trace', async () => {
    await reopen({ traces: 2 })
    for (const trace of [1, 2, 3]) await lens.send([makeSpan(trace, 2, { parent: 1 })])
    expect(await lens.spansOf(traceIdOf(1))).toEqual([])
    await lens.send([makeSpan(1, 1)])
    const late = (await lens.summaries()).find(({ traceId }) => traceId === traceIdOf(1))
    expect(late).toMatchObject({ spanCount: 1, incomplete: true })
  })
})

describe('4: whole traces are evicted, oldest first, each service safe within its share', () => {
  test('by count', async () => {
    await reopen({ traces: 3 })
    for (let trace = 1; trace <= 5; trace++) {
      await lens.send([makeSpan(trace, 1), makeSpan(trace, 2, { parent: 1 })])
    }
    const kept = (await lens.summaries()).map(({ traceId }) => Number(traceId)).toSorted()
    expect(kept).toEqual([3, 4, 5])
    expect((await lens.get('/stats')).body).toMatchObject({
      evictedTraces: 2,
      evictedSpans: 4,
      traces: 3,
      spans: 6,
    })
  })

  test('by bytes, also those stored before a restart', async () => {
    const attributes = [{ key: 'text', value: { stringValue: 'x'.repeat(10_000) } }]
    for (let trace = 1; trace <= 5; trace++) await lens.send([makeSpan(trace, 1, { attributes })])
    await reopen({ bytes: 45_000 })
    await lens.send([makeSpan(6, 1, { attributes })])
    const kept = (await lens.summaries()).map(({ traceId }) => Number(traceId)).toSorted()
    expect(kept).toEqual([3, 4, 5, 6])
    expect(lens.counters.read().bytes).toBeLessThan(45_000)
  })

  test('a noisy service evicts its own traces, not the quiet one’s', async () => {
    await reopen({ traces: 10 })
    for (const trace of [1, 2, 3]) await lens.send([makeSpan(trace, 1)], 'quiet')
    for (let trace = 100; trace < 150; trace++) await lens.send([makeSpan(trace, 1)], 'noisy')
    expect(await lens.summaries('query.serviceName=quiet')).toHaveLength(3)
    expect(await lens.summaries('query.serviceName=noisy')).toHaveLength(7)
  })

  test('and leave nothing of themselves behind', async () => {
    await reopen({ traces: 1 })
    for (const trace of [1, 2, 3]) await lens.send([makeSpan(trace, 1, { at: trace * 1e6 })])
    using database = new DatabaseSync(join(folder.path, 'traces.db'), { readOnly: true })
    for (const table of ['trace', 'part']) {
      expect(database.prepare(`select count(*) as n from ${table}`).get()).toEqual({ n: 1 })
    }
    expect(database.prepare('select distinct trace from presence').all()).toEqual([{ trace: 3 }])
  })
})

describe('4: names and calls go with the traces that had them', () => {
  const dependencies = async () =>
    (await lens.get('/api/dependencies?endTs=1700999999000&lookback=999999999')).body.data

  test('calls of minutes of which no trace is left', async () => {
    await reopen({ traces: 2 })
    for (const trace of [1, 2]) {
      await lens.send([makeSpan(trace, 1, { at: trace * 60_000 })], 'auth')
      await lens.send([makeSpan(trace, 2, { parent: 1, at: trace * 60_000 })], 'profile')
    }
    expect(await dependencies()).toMatchObject([{ callCount: 2 }])
    await lens.send([makeSpan(3, 1, { at: 180_000 })], 'auth')
    expect(await dependencies()).toMatchObject([{ callCount: 1 }])
  })

  test('at the next start, services that have none, and operations among very many', async () => {
    await lens.send([makeSpan(1, 1)], 'gone')
    const many = Array.from({ length: 20_001 }, (_, at) =>
      makeSpan(2, at + 1, { name: `id ${at}` }),
    )
    await lens.send(many)
    await reopen({ traces: 1 })
    await lens.send([makeSpan(3, 1, { name: 'last', at: 60_000 })])
    await reopen()
    using database = new DatabaseSync(join(folder.path, 'traces.db'), { readOnly: true })
    expect(database.prepare('select name from service').all()).toEqual([{ name: 'auth' }])
    expect(database.prepare('select name from operation').all()).toEqual([{ name: 'last' }])
    // The names that are left still stand for what they stood for, and new ones are taken.
    await lens.send([makeSpan(4, 1)], 'new')
    expect(await lens.summaries()).toMatchObject([
      { rootOperationName: 'last', services: [{ name: 'auth' }] },
      { services: [{ name: 'new' }] },
    ])
  })
})

describe('5: the shape of a trace cannot break anything', () => {
  test('a cycle, and a span that is its own parent', async () => {
    await lens.send([makeSpan(1, 1, { parent: 2 }), makeSpan(1, 2, { parent: 1 })])
    await lens.send([makeSpan(2, 1, { parent: 1 })])
    expect(await lens.spansOf(traceIdOf(1))).toHaveLength(2)
    expect(await lens.summaries()).toMatchObject([{ spanCount: 1 }, { spanCount: 2 }])
  })

  test('a hundred thousand levels', async () => {
    for (let batch = 0; batch < 20; batch++) {
      const ids = Array.from({ length: 5_000 }, (_, at) => batch * 5_000 + at + 1)
      await lens.send(ids.map((id) => makeSpan(1, id, id > 1 ? { parent: id - 1 } : {})))
    }
    expect(await lens.summaries()).toMatchObject([{ spanCount: 100_000, orphanSpanCount: 0 }])
    const { status, body } = await lens.get(`/api/traces/${traceIdOf(1)}`)
    expect(status).toBe(200)
    expect(body.data[0].spans).toHaveLength(100_000)
  })
})

test('5: a batch as large as a body may be, all of one trace', async () => {
  const spans = Array.from({ length: 150_000 }, (_, at) => ({
    traceId: traceIdOf(1),
    spanId: spanIdOf(at + 1),
  }))
  await lens.send(spans)
  expect(await lens.summaries()).toMatchObject([{ spanCount: 150_000 }])
})

describe('6: times are kept as they came, and marked when odd', () => {
  test('none, backwards, and a day off', async () => {
    const day = 86_400_000
    const none = { startTimeUnixNano: '0', endTimeUnixNano: '0' }
    await lens.send([makeSpan(1, 1), makeSpan(1, 2, { parent: 1, at: day })])
    await lens.send([makeSpan(2, 1), makeSpan(2, 2, { parent: 1, lasts: -5 })])
    await lens.send([makeSpan(3, 1), makeSpan(3, 2, { parent: 1, ...none })])
    const [third, second, first] = (await lens.summaries()).toSorted((a, b) =>
      b.traceId.localeCompare(a.traceId),
    )
    expect(first?.oddTimeSpanCount).toBeUndefined()
    expect(first?.maxEndTimeUnixNano).toBe('1700086400010000000')
    expect(second?.oddTimeSpanCount).toBe(1)
    expect(third).toMatchObject({
      oddTimeSpanCount: 1,
      minStartTimeUnixNano: '1700000000000000000',
    })
    expect((await lens.spansOf(traceIdOf(2)))[1]?.endTimeUnixNano).toBe('1699999999995000000')
    const { body } = await lens.get(`/api/traces/${traceIdOf(2)}`)
    expect(body.data[0].spans[1]).toMatchObject({
      duration: 0,
      warnings: ['The span ends before it starts.'],
    })
  })

  test('a trace without any time has none in its summary', async () => {
    await lens.send([{ traceId: traceIdOf(1), spanId: '00000000000000aa', name: 'x' }])
    const [summary] = await lens.summaries()
    expect(summary?.minStartTimeUnixNano).toBeUndefined()
    expect(summary?.spanCount).toBe(1)
  })
})

test('7: nanoseconds beyond 2^53 stay exact', async () => {
  const times = { startTimeUnixNano: '1700000000123456789', endTimeUnixNano: '1700000000123456790' }
  await lens.send([makeSpan(1, 1, times)])
  await reopen()
  await lens.send([makeSpan(1, 2, { parent: 1, ...times })])
  expect(await lens.spansOf(traceIdOf(1))).toMatchObject([times, times])
  expect(await lens.summaries()).toMatchObject([
    { minStartTimeUnixNano: times.startTimeUnixNano, maxEndTimeUnixNano: times.endTimeUnixNano },
  ])
})

test('8: nanoseconds are text in v3, microseconds are numbers in the older API', async () => {
  await lens.send([makeSpan(1, 1, { at: 0.0015, lasts: 2.5 })])
  const [span] = await lens.spansOf(traceIdOf(1))
  expect(span?.startTimeUnixNano).toBe('1700000000000001500')
  const { body } = await lens.get(`/api/traces/${traceIdOf(1)}`)
  expect(body.data[0].spans[0]).toMatchObject({ startTime: 1700000000000001, duration: 2500 })
})

test('9: a full batch of 2,048 large spans is taken, plain and zipped', async () => {
  const attributes = Array.from({ length: 12 }, (_, at) => ({
    key: `attribute.${at}`,
    value: { stringValue: 'x'.repeat(200) },
  }))
  const spans = Array.from({ length: 2_048 }, (_, at) => makeSpan(1, at + 1, { attributes }))
  const body = toBody(spans)
  expect(body.length).toBeGreaterThan(4_000_000)
  expect(await lens.post(body)).toMatchObject({ status: 200, text: '{"partialSuccess":{}}' })
  const other = toBody(spans.map((span) => ({ ...span, traceId: traceIdOf(2) })))
  const zipped = await lens.post(gzipSync(other), { 'content-encoding': 'gzip' })
  expect(zipped).toMatchObject({ status: 200, text: '{"partialSuccess":{}}' })
  expect(await lens.spansOf(traceIdOf(2))).toHaveLength(2_048)
})

test('11: the write-ahead log stays bounded under a long reader and shrinks behind it', async () => {
  const attributes = [{ key: 'text', value: { stringValue: 'x'.repeat(1_000) } }]
  const logBytes = () => statSync(join(folder.path, 'traces.db-wal')).size
  const write = async (from: number, count: number) => {
    for (let trace = from; trace < from + count; trace++) {
      const spans = Array.from({ length: 1_000 }, (_, at) =>
        makeSpan(trace, at + 1, { attributes }),
      )
      await lens.send(spans)
    }
  }
  const reader = new DatabaseSync(join(folder.path, 'traces.db'), { readOnly: true })
  await lens.send([makeSpan(9_999, 1)])
  reader.exec('begin')
  reader.prepare('select count(*) from trace').get()
  await write(1, 90)
  expect(logBytes()).toBeGreaterThan(64 * 1_048_576)
  reader.exec('commit')
  reader.close()
  await write(1_001, 20)
  expect(logBytes()).toBeLessThanOrEqual(64 * 1_048_576)
})

test('11: the folder is its owner’s alone', () => {
  expect(statSync(folder.path).mode & 0o777).toBe(0o700)
})

test('12: a reader in the middle of its work and intake do not wait for each other', async () => {
  await lens.send([makeSpan(1, 1)])
  using reader = new DatabaseSync(join(folder.path, 'traces.db'), { readOnly: true })
  const count = reader.prepare('select count(*) as traces from trace')
  reader.exec('begin')
  expect(count.get()).toEqual({ traces: 1 })
  await lens.send([makeSpan(2, 1)])
  expect(await lens.summaries()).toHaveLength(2)
  expect(count.get()).toEqual({ traces: 1 })
  reader.exec('commit')
  expect(count.get()).toEqual({ traces: 2 })
})

describe('13: a question that cannot be read harms nobody', () => {
  test.each(['//', 'http://[', '/api/traces/%'])('%s', async (target) => {
    const { port } = new URL(lens.queryUrl)
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
    request({ port, host: '127.0.0.1', path: target }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
      .on('error', reject)
      .end()
    expect(await promise).toBe(400)
    expect((await lens.get('/livez')).status).toBe(200)
  })
})
