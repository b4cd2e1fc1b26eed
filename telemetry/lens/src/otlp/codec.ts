import type { TracesData } from './shape.ts'

/** One encoding of OTLP: how its requests are read and its answers written. */
export type Codec = {
  contentType: string
  /** @throws Error with the reason when the body is not in this encoding */
  read(body: Buffer): TracesData
  success(rejected: number, reason: string): Buffer
  failure(message: string): Buffer
}

export const jsonCodec: Codec = {
  contentType: 'application/json',
  read(body) {
    const data = JSON.parse(body.toString())
    if (typeof data !== 'object' || data === null || Array.isArray(data)) {
      throw new Error('the body is not an object')
    }
    return data
  },
  success(rejected, reason) {
    const partial = { rejectedSpans: String(rejected), errorMessage: reason }
    return Buffer.from(JSON.stringify({ partialSuccess: rejected > 0 ? partial : {} }))
  },
  failure: (message) => Buffer.from(JSON.stringify({ message })),
}

/**
 * The codec of a content type, or nothing. Protobuf is loaded when first asked for: the platform's
 * own services send JSON, and the start need not wait for it.
 */
export async function codecFor(contentType: string | undefined): Promise<Codec | undefined> {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase()
  if (type === 'application/json') return jsonCodec
  if (type === 'application/x-protobuf') return (await import('./protobuf.ts')).protobufCodec
  return undefined
}
