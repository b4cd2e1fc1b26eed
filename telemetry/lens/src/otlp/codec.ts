/** One encoding of OTLP: how its requests are read and its answers written. */
export type Codec = {
  contentType: string
  /**
   * The request as OTLP JSON.
   * @throws Error with the reason when the body is not in this encoding
   */
  toJson(body: Buffer): Buffer
  success(rejected: number, reason: string): Buffer
  failure(message: string): Buffer
}

export const jsonCodec: Codec = {
  contentType: 'application/json',
  toJson: (body) => body,
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
