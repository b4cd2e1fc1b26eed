import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
} from 'node:http'
import { text } from 'node:stream/consumers'

type OtlpSpan = {
  spanId: string
  startTimeUnixNano: string
  attributes: { key: string; value: { stringValue?: string } }[]
}

/** A service that answers with what it was asked; `/die` breaks off, `/slow` takes 300 ms, `/fail` is 500. */
export async function startEcho(port: number) {
  const connections = new Set<unknown>()
  const server = await serve(port, async (request, response) => {
    connections.add(request.socket)
    const body = await text(request)
    if (request.url?.endsWith('/die')) return void request.socket.destroy()
    const delay = request.url?.endsWith('/slow') ? 300 : 0
    if (delay) await new Promise((resolve) => setTimeout(resolve, delay))
    response.writeHead(request.url?.endsWith('/fail') ? 500 : 200, {
      'content-type': 'application/json',
      traceresponse: 'the-services-own',
      'x-trace-id': 'the-services-own',
      'x-powered-by': 'a framework',
    })
    response.end(
      JSON.stringify({ url: request.url, headers: request.headers, length: body.length }),
    )
  })
  return Object.assign(server, { connections })
}

/**
 * One of messaging's processes: says which one was asked, and after an upgrade sends back, behind its
 * port, whatever comes. `/socket.io/` with `sid=unknown` is 400.
 */
export async function startMessaging(port: number) {
  const server = await serve(port, async (request, response) => {
    await text(request)
    const status = request.url?.includes('sid=unknown') ? 400 : 200
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ port, url: request.url, headers: request.headers }))
  })
  server.on('upgrade', (request, socket) => {
    const seen = JSON.stringify({ port, headers: request.headers })
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n')
    socket.write(`Connection: Upgrade\r\nX-Seen: ${Buffer.from(seen).toString('base64')}\r\n\r\n`)
    socket.on('data', (data: Buffer) => socket.write(`${port} ${data}`))
    socket.on('error', () => socket.destroy())
  })
  return server
}

type Asked = { method: string; url: string; headers: IncomingMessage['headers'] }
type MediaAnswer = { status: number; headers: OutgoingHttpHeaders; body: string }

/** What media says of a posted image. */
export const publicImage: OutgoingHttpHeaders = {
  'content-type': 'image/webp',
  'cache-control': 'public, max-age=31536000, immutable',
  'x-accel-expires': '600',
  etag: '"abc"',
  traceresponse: 'of the one who asked first',
  'x-trace-id': 'of the one who asked first',
}

/** media: gives the answer that is set, 304 to who has it already, and keeps what it was asked. */
export async function startMedia(port: number) {
  const asked: Asked[] = []
  const answer: MediaAnswer = { status: 200, headers: publicImage, body: '0123456789' }
  const server = await serve(port, async (request, response) => {
    const { method = '', url = '', headers } = request
    asked.push({ method, url, headers })
    await text(request)
    const known = headers['if-none-match'] && headers['if-none-match'] === answer.headers.etag
    const length = known ? {} : { 'content-length': answer.body.length }
    response.writeHead(known ? 304 : answer.status, { ...answer.headers, ...length })
    response.end(known || method === 'HEAD' ? undefined : answer.body)
  })
  return Object.assign(server, { asked, answer })
}

/** Takes uploads: `first` is when the first bytes of one came, and counts all of them. */
export async function startUploads(port: number, refuseAtOnce = false) {
  const { promise: first, resolve } = Promise.withResolvers<void>()
  const server = await serve(port, async (request, response) => {
    let bytes = 0
    const answer = (status: number) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ bytes }))
    }
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => {
      resolve()
      if (refuseAtOnce && bytes === 0) answer(415)
      bytes += chunk.length
    })
    request.on('end', () => !refuseAtOnce && answer(201))
  })
  return Object.assign(server, { first })
}

/** An OTLP receiver that acknowledges only while `status` is 200, and keeps what it acknowledged. */
export async function startReceiver(port: number) {
  const spans: OtlpSpan[] = []
  const resources: { attributes: { key: string; value: { stringValue: string } }[] }[] = []
  const state = { status: 200, answer: '{}', batches: 0 }
  const server = await serve(port, async (request, response) => {
    const batch = JSON.parse(await text(request))
    state.batches += 1
    if (state.status === 200) {
      for (const { resource, scopeSpans } of batch.resourceSpans) {
        resources.push(resource)
        for (const scope of scopeSpans) spans.push(...scope.spans)
      }
    }
    response.writeHead(state.status, { 'content-type': 'application/json' })
    response.end(state.answer)
  })
  return Object.assign(server, {
    spans,
    resources,
    state,
    /** Names of requests by their path, each span id once. */
    paths: () => {
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      return [...byId.values()].map(pathOf)
    },
  })
}

function pathOf(span: OtlpSpan): string {
  return span.attributes.find(({ key }) => key === 'url.path')?.value.stringValue ?? ''
}

async function serve(
  port: number,
  listener: (...parameters: Parameters<RequestListener>) => Promise<void>,
) {
  const server = createServer((request: IncomingMessage, response) => {
    void listener(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  // Sockets are no longer the server's after an upgrade.
  const upgraded = new Set<{ destroy(): void }>()
  server.on('upgrade', (_, socket) => upgraded.add(socket))
  return {
    on: server.on.bind(server),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}
