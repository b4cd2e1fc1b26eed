import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

const mostBytes = 16 * 1_048_576

/** The request is refused; `status` and `message` go to the client. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly status: number
  readonly retryAfter: number | undefined

  constructor(status: number, message: string, options: { retryAfter?: number } = {}) {
    super(message)
    this.status = status
    this.retryAfter = options.retryAfter
  }
}

const inflate = promisify(gunzip)
/**
 * The length a request announces; without one, a guess that serves to count what is under way.
 * @throws Refusal 413 beyond 16 MB
 */
export function announcedBytes(request: IncomingMessage): number {
  const announced = Number(request.headers['content-length'] ?? 1_048_576)
  if (announced > mostBytes) throw tooLarge()
  return announced
}

const tooLarge = () => new Refusal(413, `A body may have ${mostBytes} bytes, zipped or not.`)

/**
 * Reads a whole body, unzipped.
 * @throws Refusal 413 beyond 16 MB, 415 for an encoding other than gzip, 400 when it cannot be unzipped
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new Refusal(415, `The content encoding ${encoding} is not known; gzip is.`)
  }
  const body = await readAll(request)
  if (encoding === 'identity') return body
  try {
    return await inflate(body, { maxOutputLength: mostBytes })
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge()
    throw new Refusal(400, 'The body is not gzip.')
  }
}

function readAll(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostBytes) reject(tooLarge())
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.on('error', reject)
    request.on('close', () => reject(new Refusal(400, 'The body ended early.')))
  })
}
