import { connect, type Socket } from 'node:net'
import { serveDriver } from './driver.ts'

export type Fetching = { port: number; path: string; amount: number; connections: number }
export type Fetched = { seconds: number }

const headEnd = Buffer.from('\r\n\r\n')

serveDriver({ fetch: fetchAll })

/**
 * Gets a file again and again: each connection asks when the last answer is whole, until `amount` were
 * asked for. It reads no more than it must, so that the server is what is measured.
 * @throws Error at any other answer than 200 with a length: the run is void
 */
async function fetchAll({ port, path, amount, connections }: Fetching): Promise<Fetched> {
  const request = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  let left = amount
  const began = performance.now()
  const take = () => left-- > 0
  const open = () => run(port, request, take)
  await Promise.all(Array.from({ length: connections }, open))
  return { seconds: (performance.now() - began) / 1_000 }
}

function run(port: number, request: Buffer, take: () => boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  /** Of the answer that is being read. */
  let missing = 0
  const next = () => {
    if (take()) return void socket.write(request)
    socket.end()
    resolve()
  }
  const read = (size: number, buffer: Uint8Array) => {
    if (missing === 0) missing = lengthOf(Buffer.from(buffer.buffer, buffer.byteOffset, size))
    missing -= size
    if (missing === 0) next()
    return true
  }
  const onread = {
    buffer: Buffer.alloc(256 * 1_024),
    callback(size: number, buffer: Uint8Array) {
      try {
        return read(size, buffer)
      } catch (error) {
        socket.destroy(error as Error)
        return false
      }
    },
  }
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, next)
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('a connection was closed: the run is void')))
  return promise
}

/** Of a whole answer, its head included, by its beginning. */
function lengthOf(chunk: Buffer): number {
  const end = chunk.indexOf(headEnd)
  const head = chunk.toString('latin1', 0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (end > 0 && head.startsWith('HTTP/1.1 200 ') && length) return end + 4 + Number(length)
  throw new Error(`${head.slice(0, 200)}: the run is void`)
}
