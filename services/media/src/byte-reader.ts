import { damaged, incomplete } from './damage.ts'

export type ByteReader = ReturnType<typeof createByteReader>

const none = Buffer.alloc(0)
// More than any format needs at once; a length is what a file claims.
const takenAtMost = 1024 * 1024

/**
 * Reads a stream in the portions a format asks for, and holds no more of it than that: what is long
 * is passed on in the pieces it came in. What a format asks for and is not there is Problem 422, and
 * so is more than 1 MB in one portion; a look ahead may see less, and without a limit all there is
 * is asked for.
 */
export function createByteReader(source: AsyncIterable<Buffer>) {
  const chunks = source[Symbol.asyncIterator]()
  let held: Buffer = none

  async function fill(bytes: number): Promise<void> {
    if (held.length >= bytes) return
    if (bytes > takenAtMost) throw damaged()
    // Joined once: to add each chunk to all before it would copy them again and again.
    const pieces = held.length > 0 ? [held] : []
    for (let size = held.length; size < bytes; ) {
      const { done, value } = await chunks.next()
      if (done) break
      pieces.push(value)
      size += value.length
    }
    held = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
  }
  /** What is at hand, at least one byte; none at the end. */
  async function next(): Promise<Buffer> {
    await fill(1)
    const chunk = held
    held = none
    return chunk
  }
  async function* pass(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      const chunk = await next()
      if (chunk.length === 0 && bytes === Number.POSITIVE_INFINITY) return
      if (chunk.length === 0) throw incomplete()
      const wanted = chunk.subarray(0, left)
      held = chunk.subarray(wanted.length)
      left -= wanted.length
      yield wanted
    }
  }
  return {
    next,
    pass,
    /** Puts back what was read too far. */
    unread(chunk: Buffer): void {
      held = held.length > 0 ? Buffer.concat([chunk, held]) : chunk
    },
    async peek(bytes: number): Promise<Buffer> {
      await fill(bytes)
      return held.subarray(0, bytes)
    },
    async take(bytes: number): Promise<Buffer> {
      await fill(bytes)
      if (held.length < bytes) throw incomplete()
      const taken = held.subarray(0, bytes)
      held = held.subarray(taken.length)
      return taken
    },
    async skip(bytes: number): Promise<void> {
      for await (const _ of pass(bytes));
    },
    /** As many zeros in place of the bytes there. */
    async *blank(bytes: number): AsyncGenerator<Buffer> {
      for await (const chunk of pass(bytes)) yield Buffer.alloc(chunk.length)
    },
  }
}

const pieceBytes = 64 * 1024

/** Joins small pieces, so that what writes them is not asked for each. */
export async function* gather(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of source) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes < pieceBytes) continue
    yield pieces.length === 1 ? piece : Buffer.concat(pieces)
    pieces = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(pieces)
}
