import { randomBytes, randomInt } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'

type Photo = {
  width?: number
  height?: number
  /** As EXIF says it; 6 is a phone held upright. */
  orientation?: number
  /** Words written where GPS data is kept. */
  place?: string
}

/** A JPEG that nobody else has uploaded. */
export function photo({
  width = 640,
  height = 480,
  orientation,
  place,
}: Photo = {}): Promise<Buffer> {
  const background = { r: randomInt(256), g: randomInt(256), b: randomInt(256) }
  const image = sharp({ create: { width, height, channels: 3, background } })
  const exif = {
    IFD0: { Software: tag() },
    ...(place && { IFD3: { ...somewhere, GPSMapDatum: place } }),
  }
  return image
    .jpeg()
    .withMetadata({ exif, ...(orientation && { orientation }) })
    .toBuffer()
}

const somewhere = {
  GPSLatitudeRef: 'N',
  GPSLatitude: '57/1 27/1 3230/100',
  GPSLongitudeRef: 'W',
  GPSLongitude: '6/1 12/1 1100/100',
}

/** The beginning of an MP4, and then noise. */
export function video(bytes = 100_000): Buffer {
  return Buffer.concat([videoHead, randomBytes(bytes - videoHead.length)])
}

export const videoHead = Buffer.concat([
  Buffer.from([0, 0, 0, 24]),
  Buffer.from('ftypisom'),
  Buffer.from([0, 0, 2, 0]),
  Buffer.from('isomiso2'),
  // What is left is one box of data: a size of 0 reads "to the end".
  Buffer.from([0, 0, 0, 0]),
  Buffer.from('mdat'),
])

/** Some kilobytes that are sixty frames of a million pixels once somebody unpacks them. */
export function gifBomb(): Buffer {
  const [side, frames] = [1_000, 60]
  const size = Buffer.from([side & 255, side >> 8, side & 255, side >> 8])
  const head = Buffer.concat([
    Buffer.from('GIF89a'),
    size,
    Buffer.from([0x80, 0, 0]),
    Buffer.alloc(6),
  ])
  // Clear, and then the end: the pixels that are missing count all the same.
  const nothing = Buffer.from([2, 1, 0x2c, 0])
  const frame = Buffer.concat([
    Buffer.from([0x21, 0xf9, 4, 0, 1, 0, 0, 0, 0x2c, 0, 0, 0, 0]),
    size,
    Buffer.from([0]),
    nothing,
  ])
  return Buffer.concat([head, ...Array.from({ length: frames }, () => frame), Buffer.from([0x3b])])
}

/** A PNG of a hundred million pixels, all of them the same, in a hundred kilobytes. */
export function pngBomb(): Buffer {
  const side = 10_000
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header.set([8, 0], 8)
  const pixels = deflateSync(Buffer.alloc((side + 1) * side), { level: 9 })
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

/** A picture that runs a program where it is shown as a page. */
export const scriptedSvg = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>',
)

/** A form with one file, as a browser sends it. */
export function form(bytes: Uint8Array, fileName: string): { body: Buffer; type: string } {
  const boundary = `----clew${tag()}`
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${fileName}"\r\nContent-Type: image/jpeg\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return { body, type: `multipart/form-data; boundary=${boundary}` }
}

function tag(): string {
  return randomBytes(6).toString('hex')
}
