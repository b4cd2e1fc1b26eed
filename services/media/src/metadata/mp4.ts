import { Problem } from '@clew/kit/problem'
import type { ByteReader } from '../byte-reader.ts'

const containers = new Set(['moov', 'trak', 'moof', 'traf'])
// What people and devices wrote beside the film: places (`©xyz`, `loci`, ISO 6709), names, XMP.
const blanked = new Set(['udta', 'meta', 'uuid'])
const deepest = 4

/** An MP4 without its location. Lengths stay, since the film is found by its place in the file. */
export function cleanMp4(bytes: ByteReader): AsyncGenerator<Buffer> {
  return boxes(bytes, Number.POSITIVE_INFINITY, 0)
}

/** @throws Problem 422 for a box that cannot be */
async function* boxes(bytes: ByteReader, within: number, depth: number): AsyncGenerator<Buffer> {
  let left = within
  while (left >= 8) {
    const header = Buffer.from(await bytes.take(8))
    if (header.length < 8) return yield header
    const long = header.readUInt32BE() === 1 ? await bytes.take(8) : undefined
    const head = long ? Buffer.concat([header, long]) : header
    const size = Math.min(left, sizeOf(header, long))
    const type = header.toString('latin1', 4)
    const rest = size - head.length
    if (rest < 0) throw new Problem(422, 'The video cannot be read: it is damaged.')
    if (blanked.has(type)) head.write('free', 4, 'latin1')
    yield head
    if (blanked.has(type)) yield* bytes.blank(rest)
    else if (containers.has(type) && depth < deepest) yield* boxes(bytes, rest, depth + 1)
    else yield* bytes.pass(rest)
    left -= size
  }
  yield* bytes.pass(left)
}

function sizeOf(header: Buffer, long: Buffer | undefined): number {
  if (long) return long.length === 8 ? Number(long.readBigUInt64BE()) : 0
  // 0: to the end.
  return header.readUInt32BE() || Number.POSITIVE_INFINITY
}
