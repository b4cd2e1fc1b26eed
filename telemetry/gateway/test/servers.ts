import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
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
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}
