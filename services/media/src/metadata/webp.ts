import type { ByteReader } from '../byte-reader.ts'
import { createPartCount, damaged } from '../damage.ts'
import { blankLocation, exifAtMost } from './exif.ts'

const kept = new Set(['VP8 ', 'VP8L', 'ANIM', 'ANMF', 'ALPH', 'ICCP'])
const hasXmp = 0x04
const flagsBytes = 10

/**
 * A WebP with its EXIF cleaned and everything that is no picture blanked. Lengths stay: the first
 * bytes name the length of the file, and are gone when the last ones come.
 * @throws Problem 422 for one whose own header cannot be
 */
export async function* cleanWebp(bytes: ByteReader): AsyncGenerator<Buffer> {
  const start = await bytes.take(12)
  yield start
  let left = start.readUInt32LE(4) - 4
  const count = createPartCount()
  let exifs = 0
  while (left > 0) {
    count()
    const header = await bytes.take(8)
    const size = header.readUInt32LE(4)
    const padded = size + (size % 2)
    left -= 8 + padded
    const type = header.toString('latin1', 0, 4)
    if (type === 'VP8X') {
      if (size !== flagsBytes) throw damaged()
      const content = Buffer.from(await bytes.take(padded))
      content[0] = (content[0] ?? 0) & ~hasXmp
      yield* [header, content]
    } else if (type === 'EXIF' && size <= exifAtMost && exifs++ === 0) {
      const content = Buffer.from(await bytes.take(padded))
      if (!blankLocation(content.subarray(0, size))) content.fill(0)
      yield* [header, content]
    } else if (kept.has(type)) {
      yield header
      yield* bytes.pass(padded)
    } else {
      yield Buffer.concat([Buffer.from('JUNK'), header.subarray(4)])
      yield* bytes.blank(padded)
    }
  }
}
