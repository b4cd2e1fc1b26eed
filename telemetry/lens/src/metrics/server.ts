import { isUtf8 } from 'node:buffer'
import { createSocket, type Socket } from 'node:dgram'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen } from '@clew/kit/lifecycle'
import { contentType, toText } from './exposition.ts'
import type { Tags } from './line.ts'
import { createRegistry, type Registry } from './registry.ts'

export type Metrics = AsyncDisposable & {
  /** Adds to a counter of lens itself; named as in StatsD, `_total` is added. */
  count(name: string, value?: number, tags?: Tags): void
  /** Sets a gauge of lens itself. */
  gauge(name: string, value: number, tags?: Tags): void
}

/** Room for a burst while the process is busy with spans; the system may grant less. */
const receiveBuffer = 4 * 1024 * 1024

/**
 * Takes StatsD over UDP and serves `GET /metrics` to Prometheus.
 * @throws Error with code EADDRINUSE when one of the ports is taken; nothing is left open then
 */
export async function openMetrics(options: {
  statsdPort: number
  metricsPort: number
  host: string
}): Promise<Metrics> {
  const registry = createRegistry()
  await using opened = new AsyncDisposableStack()
  opened.use(await openStatsd(registry, options.statsdPort, options.host))
  const answer = (request: IncomingMessage, response: ServerResponse) =>
    serve(registry, request, response)
  opened.use(await listen(answer, options.metricsPort, options.host))
  const kept = opened.move()
  return {
    count: registry.count,
    gauge: registry.gauge,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

async function openStatsd(
  registry: Registry,
  port: number,
  host: string,
): Promise<AsyncDisposable> {
  const type = host.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type, recvBufferSize: receiveBuffer })
  socket.on('message', (datagram) => takeDatagram(registry, datagram))
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, host, resolve)
  })
  // From here on an error concerns one datagram; the socket goes on receiving.
  socket.removeAllListeners('error').on('error', registry.reject)
  return { [Symbol.asyncDispose]: () => close(socket) }
}

function takeDatagram(registry: Registry, datagram: Buffer): void {
  const broken = !isUtf8(datagram)
  const text = datagram.toString()
  let start = 0
  while (start < text.length) {
    const found = text.indexOf('\n', start)
    const end = found === -1 ? text.length : found
    const line = text.slice(start, text[end - 1] === '\r' ? end - 1 : end)
    // Of a datagram with bytes that are no text, the lines without them still count.
    if (broken && line.includes('\ufffd')) registry.reject()
    else if (line) registry.take(line)
    start = end + 1
  }
}

function serve(registry: Registry, request: IncomingMessage, response: ServerResponse): void {
  const path = request.url?.split('?')[0]
  const status = path !== '/metrics' ? 404 : isRead(request) ? 200 : 405
  const body = status === 200 ? toText(registry.families()) : `Only GET /metrics is here.\n`
  response.writeHead(status, {
    'content-type': status === 200 ? contentType : 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(status === 405 && { allow: 'GET, HEAD' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function isRead(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}

function close(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()))
}
