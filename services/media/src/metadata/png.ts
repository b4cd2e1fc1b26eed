import { crc32 } from 'node:zlib'
import type { ByteReader } from '../byte-reader.ts'
import { createPartCount, incomplete, tooManyPixels } from '../damage.ts'
import { pixelsAtMost } from '../variants.ts'
import { blankLocation, exifAtMost } from './exif.ts'

const kept = new Set(
  `IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT tIME
   acTL fcTL fdAT`.split(/\s+/),
)

/**
 * A PNG without text, in which XMP and other metadata are written, and with its EXIF cleaned.
 * @throws Problem 422 for one of too many pixels, all frames of an animation counted, or of too many chunks
 */
export async function* cleanPng(bytes: ByteReader): AsyncGenerator<Buffer> {
  yield await bytes.take(8)
  const count = createPartCount()
  let exifs = 0
  let pixels = 1
  for (;;) {
    count()
    const header = await bytes.take(8)
    const size = header.readUInt32BE()
    const type = header.toString('latin1', 4)
    if (type === 'IHDR' || type === 'acTL') {
      const start = await bytes.peek(8)
      if (start.length < 8) throw incomplete()
      // The decoder here knows the first frame only; those who watch an animation unpack all.
      pixels *= start.readUInt32BE() * (type === 'IHDR' ? start.readUInt32BE(4) : 1)
      if (pixels > pixelsAtMost) throw tooManyPixels('in all', pixelsAtMost)
    }
    if (kept.has(type)) {
      yield header
      yield* bytes.pass(size + 4)
    } else if (type === 'eXIf' && size <= exifAtMost && exifs++ === 0) {
      const content = await bytes.take(size)
      await bytes.skip(4)
      if (blankLocation(content)) yield* [header, content, checksum(header, content)]
    } else await bytes.skip(size + 4)
    if (type === 'IEND') return
  }
}

function checksum(header: Buffer, content: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(content, crc32(header.subarray(4))))
  return sum
}
