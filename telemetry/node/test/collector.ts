import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ResourceSpans, type TraceSpan, toTraceSpans } from '../../../tests/trace.ts'

export type Collector = AsyncDisposable & {
  url: string
  spans(): TraceSpan[]
  /** How many batches came. */
  batches(): number
  /** Waits until so many spans came. @throws Error when they do not within 15 s */
  receive(count: number): Promise<TraceSpan[]>
  forget(): void
}

type Options = {
  /** How long each answer takes. */
  lateMs?: number
  /** The port, when another collector was there before. */
  port?: number
  /** What it answers to each batch in turn; then 200. */
  statuses?: number[]
  body?: string
}

const patienceMs = 15_000

/** Keeps what it is sent over OTLP/HTTP JSON, and can be slow, unwilling or away. */
export async function openCollector(options: Options = {}): Promise<Collector> {
  const { lateMs = 0, port = 0, body = '{}' } = options
  const statuses = [...(options.statuses ?? [])]
  let spans: TraceSpan[] = []
  let batches = 0

  async function take(request: IncomingMessage): Promise<number> {
    const sent = JSON.parse(await text(request)) as { resourceSpans: ResourceSpans[] }
    await sleep(lateMs)
    batches++
    const status = statuses.shift() ?? 200
    if (status === 200) spans.push(...toTraceSpans(sent.resourceSpans))
    return status
  }
  const server = createServer(async (request, response) => {
    response.writeHead(await take(request), { 'content-type': 'application/json' }).end(body)
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, '127.0.0.1', resolve)
  await promise
  const address = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans: () => spans,
    batches: () => batches,
    async receive(count) {
      const deadline = Date.now() + patienceMs
      while (spans.length < count) {
        if (Date.now() > deadline) throw new Error(`${spans.length} of ${count} spans came`)
        await sleep(50)
      }
      return spans
    },
    forget() {
      spans = []
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
