import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen } from '@clew/kit/lifecycle'
import { createLogger } from '@clew/kit/log'
import { createCounters } from '../src/counters.ts'
import { createOtlpServer } from '../src/otlp/server.ts'
import type { Span } from '../src/otlp/shape.ts'
import { openReader } from '../src/query/reader.ts'
import { createQueryServer } from '../src/query/server.ts'
import type { Limits } from '../src/store/eviction.ts'
import { openStore, type Store } from '../src/store/store.ts'

export type Lens = AsyncDisposable & Awaited<ReturnType<typeof openLens>>
export type Summary = {
  traceId: string
  rootServiceName: string
  rootOperationName: string
  minStartTimeUnixNano?: string
  maxEndTimeUnixNano?: string
  spanCount: number
  errorSpanCount: number
  orphanSpanCount: number
  services: { name: string; spanCount: number; errorSpanCount: number }[]
  incomplete?: boolean
  oddTimeSpanCount?: number
}

export async function openFolder() {
  const path = await mkdtemp(join(tmpdir(), 'clew-lens-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Both servers of lens over a folder, on ports of the system's choice. */
export async function openLens(
  folder: string,
  options: {
    limits?: Partial<Limits>
    mostWaitingBytes?: number
    wrapStore?: (store: Store) => Store
  } = {},
) {
  const { limits, mostWaitingBytes, wrapStore = (store) => store } = options
  const counters = createCounters()
  const all = { bytes: 1e9, traces: 1e6, ...limits }
  await using opened = new AsyncDisposableStack()
  const store = opened.use(openStore(folder, all, counters))
  const reader = opened.use(openReader(folder))
  const otlp = opened.use(
    await listen(
      createOtlpServer({
        store: wrapStore(store),
        counters,
        metrics: { count: () => {} },
        log: createLogger('lens'),
        ...(mostWaitingBytes && { mostWaitingBytes }),
      }),
      0,
      '127.0.0.1',
    ),
  )
  const query = opened.use(await listen(createQueryServer(reader, counters), 0, '127.0.0.1'))
  const tracesUrl = `http://127.0.0.1:${(otlp.address() as AddressInfo).port}/v1/traces`
  const queryUrl = `http://127.0.0.1:${(query.address() as AddressInfo).port}`

  const get = async (path: string) => {
    const response = await fetch(queryUrl + path)
    const body = JSON.parse(await response.text())
    return { status: response.status, headers: response.headers, body }
  }
  const post = async (body: RequestInit['body'], headers: Record<string, string> = {}) => {
    const type = { 'content-type': 'application/json' }
    const init = { method: 'POST', body, headers: { ...type, ...headers }, duplex: 'half' }
    const response = await fetch(tracesUrl, init as RequestInit)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const kept = opened.move()
  return {
    counters,
    tracesUrl,
    queryUrl,
    get,
    post,
    /** Sends spans as one batch of one service and expects them to be taken. */
    async send(spans: Partial<Span>[], service = 'auth'): Promise<void> {
      const { status, text } = await post(toBody(spans, service))
      if (status !== 200) throw new Error(`${status} ${text}`)
    },
    async summaries(query = ''): Promise<Summary[]> {
      const { body } = await get(`/api/v3/trace-summaries?${query}`)
      return body.summaries
    },
    async spansOf(trace: string): Promise<Span[]> {
      const { status, body } = await get(`/api/v3/traces/${trace}`)
      if (status !== 200) return []
      return body.result.resourceSpans.flatMap((resource: { scopeSpans: { spans: Span[] }[] }) =>
        resource.scopeSpans.flatMap(({ spans }) => spans),
      )
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

export function toBody(spans: Partial<Span>[], service = 'auth'): string {
  const attributes = [{ key: 'service.name', value: { stringValue: service } }]
  const scopeSpans = [{ scope: { name: 'test', version: '1' }, spans }]
  return JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans }] })
}

const second = 1_700_000_000n * 1_000_000_000n

/** A span of trace `trace`, both numbers written as ids; times in milliseconds. */
export function makeSpan(
  trace: number,
  id: number,
  fields: Partial<Span> & { parent?: number; at?: number; lasts?: number } = {},
): Span {
  const { parent, at = 0, lasts = 10, ...rest } = fields
  const start = second + BigInt(Math.round(at * 1e6))
  return {
    traceId: traceIdOf(trace),
    spanId: spanIdOf(id),
    ...(parent !== undefined && { parentSpanId: spanIdOf(parent) }),
    name: 'GET /things',
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + BigInt(Math.round(lasts * 1e6))),
    ...rest,
  }
}

export function traceIdOf(trace: number): string {
  return trace.toString(16).padStart(32, '0')
}

export function spanIdOf(id: number): string {
  return id.toString(16).padStart(16, '0')
}
