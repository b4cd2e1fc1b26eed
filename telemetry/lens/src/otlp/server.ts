import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Logger } from '@clew/kit/log'
import type { Counters } from '../counters.ts'
import type { Store } from '../store/store.ts'
import { mostSpans } from '../store/writer.ts'
import { type Batch, MalformedBatch, sortBatch } from './batch.ts'
import { announcedBytes, Refusal, readBody } from './body.ts'
import { type Codec, codecFor, jsonCodec } from './codec.ts'

type Metrics = { count(name: string, value?: number): void }
type Deps = {
  store: Store
  counters: Counters
  metrics: Metrics
  log: Logger
  /** Bytes of requests under way beyond which new ones are asked to come back. */
  mostWaitingBytes?: number
}

const behind = () =>
  new Refusal(503, 'lens is behind with writing; send it again.', { retryAfter: 1 })
const traceIsFull = `a trace holds at most ${mostSpans} spans`

/** OTLP/HTTP: `POST /v1/traces`, in JSON or protobuf, zipped or not. */
export function createOtlpServer(deps: Deps): RequestListener {
  const { counters, metrics, log, mostWaitingBytes = 64 * 1_048_576 } = deps
  let waiting = 0

  async function receive(request: IncomingMessage, codec: Codec): Promise<Buffer> {
    const announced = announcedBytes(request)
    if (waiting + announced > mostWaitingBytes) throw behind()
    let held = announced
    waiting += held
    try {
      const body = await readBody(request)
      // Zipped it announced less than it is; without a length it was a guess.
      waiting += body.length - held
      held = body.length
      if (waiting > mostWaitingBytes) throw behind()
      return await store(body, codec)
    } finally {
      waiting -= held
    }
  }

  async function store(body: Buffer, codec: Codec): Promise<Buffer> {
    const batch = read(body, codec)
    counters.add('received', batch.received)
    metrics.count('clew_lens_spans_received_total', batch.received)
    const over = batch.groups.length > 0 ? await commit(batch) : 0
    const rejected = batch.rejected + over
    counters.add('rejected', rejected)
    if (rejected > 0) metrics.count('clew_lens_spans_rejected_total', rejected)
    return codec.success(rejected, batch.rejected > 0 ? batch.reason : traceIsFull)
  }

  function commit(batch: Batch): Promise<number> {
    return deps.store.add(batch.groups).catch((error) => {
      log.error({ err: error }, 'spans not stored')
      throw new Refusal(503, 'The spans could not be stored; send them again.', { retryAfter: 5 })
    })
  }

  return async (request, response) => {
    let codec: Codec = jsonCodec
    try {
      checkRoute(request)
      codec = await findCodec(request)
      send(response, 200, codec.contentType, await receive(request, codec))
    } catch (error) {
      counters.add('refusedRequests', 1)
      metrics.count('clew_lens_requests_refused_total', 1)
      refuse(request, response, codec, error, log)
    }
  }
}

function checkRoute(request: IncomingMessage): void {
  const path = request.url?.split('?', 1)[0]
  if (path !== '/v1/traces') throw new Refusal(404, 'lens takes traces, at /v1/traces.')
  if (request.method !== 'POST') throw new Refusal(405, 'Traces are posted.')
}

async function findCodec(request: IncomingMessage): Promise<Codec> {
  const type = request.headers['content-type']
  const codec = await codecFor(type)
  if (codec) return codec
  throw new Refusal(415, `The content type must be application/json or application/x-protobuf.`)
}

function read(body: Buffer, codec: Codec): Batch {
  try {
    return sortBatch(codec.toJson(body))
  } catch (error) {
    if (error instanceof MalformedBatch) throw new Refusal(400, error.message)
    throw new Refusal(400, `The body is not OTLP in ${codec.contentType}: ${messageOf(error)}`)
  }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  codec: Codec,
  error: unknown,
  log: Logger,
): void {
  const refusal = toRefusal(error)
  if (refusal.status === 500) log.error({ err: error }, 'request failed')
  if (response.headersSent || response.destroyed) return
  if (refusal.retryAfter) response.setHeader('Retry-After', refusal.retryAfter)
  if (!request.complete) {
    // The rest of the body is not read: the connection can carry nothing after it.
    response.setHeader('Connection', 'close')
    response.on('finish', () => request.resume())
  }
  send(response, refusal.status, codec.contentType, codec.failure(refusal.message))
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  return new Refusal(500, 'Something went wrong in lens.')
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length }).end(body)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
