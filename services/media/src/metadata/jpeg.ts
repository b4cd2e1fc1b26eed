import type { ByteReader } from '../byte-reader.ts'
import { createPartCount } from '../damage.ts'
import { blankLocation } from './exif.ts'

const startOfImage = 0xd8
const endOfImage = 0xd9
const startOfScan = 0xda
const standsAlone = 0x01

/**
 * A JPEG without its location. Of what applications wrote beside the picture it keeps EXIF (cleaned),
 * the colour profile and what decoders need; XMP, Photoshop's and all else go, and so does whatever
 * comes behind the picture, where phones keep more pictures with metadata of their own.
 * @throws Problem 422 for one of too many segments, or without its end
 */
export async function* cleanJpeg(bytes: ByteReader): AsyncGenerator<Buffer> {
  const count = createPartCount()
  let exifs = 0
  for (;;) {
    count()
    // Decoders skip what is between segments.
    for await (const _ of untilMarker(bytes));
    const marker = await bytes.take(2)
    const code = marker[1] ?? 0
    if (code === startOfImage || code === standsAlone || code === endOfImage) {
      yield marker
      if (code === endOfImage) return
      continue
    }
    const length = await bytes.take(2)
    const size = Math.max(0, length.readUInt16BE() - 2)
    if (isApplication(code)) {
      const content = await bytes.take(size)
      // Of EXIF the first counts, for decoders too.
      if (isExif(code, content) ? exifs++ === 0 && blankLocation(content) : isKept(code, content)) {
        yield* [marker, length, content]
      }
      continue
    }
    yield* [marker, length]
    yield* bytes.pass(size)
    if (code === startOfScan) yield* untilMarker(bytes)
  }
}

function isApplication(code: number): boolean {
  return code >= 0xe0 && code <= 0xef
}

function isExif(code: number, content: Buffer): boolean {
  return code === 0xe1 && begins(content, 'Exif\0\0')
}

function isKept(code: number, content: Buffer): boolean {
  if (code === 0xe0) return begins(content, 'JFIF\0')
  if (code === 0xe2) return begins(content, 'ICC_PROFILE\0')
  // Adobe's says how colours are stored.
  return code === 0xee && begins(content, 'Adobe')
}

function begins(content: Buffer, name: string): boolean {
  return content.subarray(0, name.length).equals(Buffer.from(name))
}

/** Passes compressed data, which holds no marker but restarts, on to the next marker. */
async function* untilMarker(bytes: ByteReader): AsyncGenerator<Buffer> {
  for (;;) {
    const chunk = await bytes.next()
    if (chunk.length === 0) return
    const at = findMarker(chunk)
    yield chunk.subarray(0, at)
    if (at === chunk.length) continue
    bytes.unread(chunk.subarray(at))
    if (at < chunk.length - 1) return
    // The last byte may begin a marker, or may not.
    const pair = await bytes.peek(2)
    if (pair.length === 2 && findMarker(pair) === 0) return
    yield await bytes.take(1)
  }
}

/** Where a marker begins, or may begin with the last byte; else the length. */
function findMarker(chunk: Buffer): number {
  for (let at = chunk.indexOf(0xff); at >= 0; at = chunk.indexOf(0xff, at + 1)) {
    const code = chunk[at + 1]
    const isData = code === 0 || code === 0xff || (code && code >= 0xd0 && code <= 0xd7)
    if (!isData) return at
  }
  return chunk.length
}
