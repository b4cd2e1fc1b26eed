import type { ByteReader } from '../byte-reader.ts'
import { createPartCount, incomplete } from '../damage.ts'

const image = 0x2c
const extension = 0x21
const trailer = 0x3b
const control = 0xf9
const plainText = 0x01
const application = 0xff
// How often it repeats, and its colours.
const kept = new Set(['NETSCAPE2.0', 'ANIMEXTS1.0', 'ICCRGBG1012'])

/** A GIF without comments, XMP and what else applications wrote beside the pictures. */
export async function* cleanGif(bytes: ByteReader): AsyncGenerator<Buffer> {
  const header = await bytes.take(13)
  yield header
  yield* bytes.pass(colourBytes(header[10]))
  const count = createPartCount()
  for (;;) {
    count()
    const kind = await bytes.take(1)
    if (kind[0] === image) {
      const described = await bytes.take(9)
      yield* [kind, described]
      yield* bytes.pass(colourBytes(described[8]) + 1)
      yield* blocks(bytes)
    } else if (kind[0] === extension) yield* cleanExtension(bytes, kind)
    else {
      // The end, or nothing that a decoder would follow.
      return yield Buffer.from([trailer])
    }
  }
}

async function* cleanExtension(bytes: ByteReader, kind: Buffer): AsyncGenerator<Buffer> {
  const label = await bytes.take(1)
  if (label[0] === control || label[0] === plainText) {
    yield* [kind, label]
    return yield* blocks(bytes)
  }
  // One byte for the length, then the name of the application.
  const name = await bytes.peek(12)
  if (label[0] === application && kept.has(name.toString('latin1', 1))) {
    yield* [kind, label]
    return yield* blocks(bytes)
  }
  for await (const _ of blocks(bytes));
}

/** Blocks of up to 255 bytes with their lengths, up to the empty one; many of them in one piece. */
async function* blocks(bytes: ByteReader): AsyncGenerator<Buffer> {
  // Where the next length is, counted from the piece at hand.
  let at = 0
  for (;;) {
    const piece = await bytes.next()
    if (piece.length === 0) throw incomplete()
    while (at < piece.length) {
      const length = piece[at] ?? 0
      at += 1 + length
      if (length > 0) continue
      bytes.unread(piece.subarray(at))
      return yield piece.subarray(0, at)
    }
    at -= piece.length
    yield piece
  }
}

function colourBytes(flags = 0): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 0x07) + 1) : 0
}
