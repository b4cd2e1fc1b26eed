import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failure, profileRead, registration, type Sketch, toOtlp } from '../trace/fixtures.ts'
import { showTrace } from '../trace/show.ts'

const id = '4bf92f3577b34da6a3ce929d0e0e4736'
let lens: ChildProcess
let folder: string
let queryUrl: string
let otlpUrl: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew-trace-'))
  const [query, otlp, statsd, metrics] = [await free(), await free(), await free(), await free()]
  queryUrl = `http://127.0.0.1:${query}`
  otlpUrl = `http://127.0.0.1:${otlp}/v1/traces`
  const ports = {
    LENS_QUERY_PORT: String(query),
    LENS_OTLP_PORT: String(otlp),
    LENS_STATSD_PORT: String(statsd),
    LENS_METRICS_PORT: String(metrics),
  }
  const main = join(import.meta.dirname, '../../telemetry/lens/src/main.ts')
  const env = { ...process.env, ...ports, LENS_DATA: folder }
  lens = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise<void>((resolve) => {
    lens.stdout!.on('data', (line) => String(line).includes('started') && resolve())
  })
})

afterAll(async () => {
  lens.kill()
  await once(lens, 'exit')
  await rm(folder, { recursive: true })
})

async function free(): Promise<number> {
  const server = createTcp()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Sends a trace that began a moment ago; `traceId` replaces the fixture's own. */
async function send(sketches: Sketch[], began: number, traceId = id): Promise<void> {
  const body = JSON.stringify({ resourceSpans: toOtlp(sketches, began) }).replaceAll(id, traceId)
  const headers = { 'content-type': 'application/json' }
  expect((await fetch(otlpUrl, { method: 'POST', headers, body })).status).toBe(200)
}

test('says in one sentence what is wrong', async () => {
  const failing = (asked: string, url = queryUrl) =>
    expect(showTrace({ queryUrl: url, id: asked, waitMs: 100 })).rejects
  await failing('last').toThrow('No request has been traced yet: make one, then ask again.')
  await failing(id).toThrow(`No trace has the id ${id}: it may be mistyped, too old, or still`)
  await failing('nonsense').toThrow('nonsense is no trace id: those are 32 hexadecimal digits')
  await failing(id, 'http://127.0.0.1:9').toThrow(
    'No traces can be read: nothing answers at http://127.0.0.1:9.',
  )
})

test('shows a trace by its id, by a traceparent, and in capitals', async () => {
  const read = 'a'.repeat(32)
  await send(profileRead, Date.now() - 60_000, read)
  for (const asked of [read, read.toUpperCase(), `00-${read}-00f067aa0ba902b7-01`]) {
    const text = await showTrace({ queryUrl, id: asked, color: false })
    expect(text).toContain('GET /api/users/{id} → 200')
  }
})

test('last waits until the newest request has its root and grows no more', async () => {
  const began = Date.now()
  await send(registration.slice(1, 9), began)
  const shown = showTrace({ queryUrl, id: 'last', color: false, waitMs: 20_000 })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await send(registration.slice(0, 1), began)
  await new Promise((resolve) => setTimeout(resolve, 300))
  await send(registration.slice(9), began)
  const text = await shown
  expect(text).toContain('POST /api/auth/register → 201')
  expect(text).toContain('16 spans · 3 services')
})

test('waits for the services that the caller expects', async () => {
  const expected = 'b'.repeat(32)
  await send(failure.slice(0, 1), Date.now() - 60_000, expected)
  const options = { queryUrl, id: expected, color: false, waitMs: 20_000 }
  const shown = showTrace({ ...options, expect: (services) => services.includes('profile') })
  await new Promise((resolve) => setTimeout(resolve, 300))
  await send(failure.slice(1), Date.now() - 60_000, expected)
  expect(await shown).toContain('4 spans · 2 services')
})

test('last is the newest request, not the newest noise', async () => {
  const noise = (id: string, name: string): Sketch => {
    return { id, service: 'gateway', kind: 'server', name, at: [0, 1] }
  }
  await send([noise('h', 'GET /health')], Date.now() + 1_000, 'c'.repeat(32))
  await send([noise('o', 'POST /otlp/v1/traces')], Date.now() + 1_500, 'd'.repeat(32))
  const text = await showTrace({ queryUrl, id: 'last', color: false })
  expect(text).toContain('POST /api/auth/register → 201')
})

test('last is the newest request, not the work in the background that it caused', async () => {
  const processed: Sketch = {
    id: 'w',
    service: 'feed',
    kind: 'consumer',
    name: 'process events:profile',
    at: [0, 1],
  }
  await send([processed], Date.now() + 2_000, 'f'.repeat(32))
  const text = await showTrace({ queryUrl, id: 'last', color: false })
  expect(text).toContain('POST /api/auth/register → 201')
})

test('asks Jaeger, which has no list over all services, for each service', async () => {
  const trace = { result: { resourceSpans: toOtlp(failure) } }
  const earlier = JSON.stringify(toOtlp(profileRead, Date.UTC(2026, 0, 1)))
  const others = JSON.parse(earlier.replaceAll(id, 'e'.repeat(32)))
  const answers: Record<string, unknown> = {
    '/api/v3/services': { services: ['gateway', 'profile'] },
    '/api/v3/traces?gateway': { result: { resourceSpans: others } },
    '/api/v3/traces?profile': { result: { resourceSpans: [...others, ...toOtlp(failure)] } },
    [`/api/v3/traces/${id}`]: trace,
  }
  const jaeger = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const service = searchParams.get('query.service_name')
    const answer = answers[service ? `${pathname}?${service}` : pathname]
    response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? {}))
  })
  await new Promise<void>((resolve) => jaeger.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(jaeger.address() as AddressInfo).port}`
  const text = await showTrace({ queryUrl: url, id: 'last', color: false })
  jaeger.close()
  expect(text).toContain('POST /api/users/{id}/follow → 503')
})
