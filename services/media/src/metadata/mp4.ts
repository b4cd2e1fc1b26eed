import type { ByteReader } from '../byte-reader.ts'
import { createPartCount, damaged } from '../damage.ts'

// What plays a film, by the box it is in. All else is what people and devices wrote beside it: places
// (`©xyz`, `loci`, `gps `, ISO 6709), names, XMP, thumbnails; some cameras write into free space too.
const top = setOf('ftyp styp moov mdat moof mfra sidx')
const kept: Record<string, Set<string>> = {
  moov: setOf('mvhd trak mvex iods'),
  trak: setOf('tkhd edts mdia tref'),
  mdia: setOf('mdhd hdlr minf elng'),
  moof: setOf('mfhd traf'),
  traf: setOf('tfhd tfdt trun sdtp sbgp sgpd subs saiz saio senc'),
}

/**
 * An MP4 without what says where it was taken. Lengths stay, since the film is found by its place in
 * the file. What cameras record along with the film, as a track of its own, stays too.
 * @throws Problem 422 for a box that cannot be, or is not all there, or too many of them
 */
export function cleanMp4(bytes: ByteReader): AsyncGenerator<Buffer> {
  return boxes(bytes, Number.POSITIVE_INFINITY, top, createPartCount())
}

async function* boxes(
  bytes: ByteReader,
  within: number,
  allowed: Set<string>,
  count: () => void,
): AsyncGenerator<Buffer> {
  let left = within
  while (left >= 8) {
    count()
    // Behind the last box there may be a few bytes more.
    if (left === Number.POSITIVE_INFINITY && (await bytes.peek(8)).length < 8) break
    const header = Buffer.from(await bytes.take(8))
    const long = header.readUInt32BE() === 1 ? await bytes.take(8) : undefined
    const head = long ? Buffer.concat([header, long]) : header
    const size = Math.min(left, sizeOf(header, long))
    const type = header.toString('latin1', 4)
    const rest = size - head.length
    if (rest < 0) throw damaged()
    const inner = kept[type]
    if (!allowed.has(type)) head.write('free', 4, 'latin1')
    yield head
    if (!allowed.has(type)) yield* bytes.blank(rest)
    else if (inner) yield* boxes(bytes, rest, inner, count)
    else yield* bytes.pass(rest)
    left -= size
  }
  yield* bytes.blank(left)
}

function sizeOf(header: Buffer, long: Buffer | undefined): number {
  if (long) return Number(long.readBigUInt64BE())
  // 0: to the end.
  return header.readUInt32BE() || Number.POSITIVE_INFINITY
}

function setOf(types: string): Set<string> {
  return new Set(types.split(' '))
}
