import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { animation, photo, picture, video } from '../test/pictures.ts'
import { createByteReader } from './byte-reader.ts'
import { type ContentType, removeLocation } from './metadata.ts'

/** What is kept of bytes that come in pieces of some size. */
async function clean(type: ContentType, bytes: Buffer, piece = 10_000): Promise<Buffer> {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += piece) {
      yield Buffer.from(bytes.subarray(at, at + piece))
    }
  }
  const kept: Buffer[] = []
  for await (const chunk of removeLocation(type, createByteReader(pieces()))) kept.push(chunk)
  return Buffer.concat(kept)
}

/**
 * The EXIF as libvips and libexif understand it, written anew: a parser that is not ours. Removed
 * bytes that a careful reader could still find show in `raw`.
 */
async function readExif(bytes: Buffer) {
  const { exif = Buffer.alloc(0), xmp, orientation } = await sharp(bytes).metadata()
  const rewritten = await sharp(bytes).keepExif().jpeg().toBuffer()
  const { exif: understood = Buffer.alloc(0) } = await sharp(rewritten).metadata()
  return {
    raw: exif.toString('latin1'),
    understood: understood.toString('latin1'),
    xmp,
    orientation,
  }
}

// How the tag of the GPS table stands in a big and in a little endian table: pointer, LONG, one.
const gpsTags = ['\x88\x25\0\x04\0\0\0\x01', '\x25\x88\x04\0\x01\0\0\0']
const leadsToPlace = (exif: string) => gpsTags.some((tag) => exif.includes(tag))

const formats = [
  ['image/jpeg', () => photo().jpeg().toBuffer()],
  ['image/jpeg', () => photo(900, 700).jpeg({ progressive: true }).toBuffer()],
  ['image/png', () => photo().png().toBuffer()],
  ['image/webp', () => photo().webp().toBuffer()],
] as [ContentType, () => Promise<Buffer>][]

describe.each(formats)('%s', (type, make) => {
  test('has a place before, and none after; the rest of its EXIF stays', async () => {
    const bytes = await make()
    const before = await readExif(bytes)
    for (const text of [before.raw, before.understood]) {
      expect(leadsToPlace(text)).toBe(true)
      expect(text).toContain('WGS-Sixteen')
    }
    expect(before.xmp?.toString()).toContain('GPSLatitude')

    const kept = await clean(type, bytes)
    const after = await readExif(kept)
    for (const text of [after.raw, after.understood]) {
      expect(leadsToPlace(text)).toBe(false)
      expect(text).not.toContain('WGS-Sixteen')
      expect(text).toContain('Pinhole')
      expect(text).toContain('2026:11:21 10:00:00')
    }
    expect(after.orientation).toBe(6)
    expect(after.xmp?.toString() ?? '').not.toContain('GPS')
    expect(kept.toString('latin1')).not.toContain('GPSLatitude')
  })

  test('shows the same picture', async () => {
    const bytes = await make()
    const pixels = (from: Buffer) => sharp(from, { failOn: 'warning' }).raw().toBuffer()
    expect(await pixels(await clean(type, bytes))).toEqual(await pixels(bytes))
  })

  test('whatever pieces it comes in', async () => {
    const bytes = (await make()).subarray(0, 30_000)
    const whole = await clean(type, bytes)
    for (const piece of [1, 2, 3, 13]) expect(await clean(type, bytes, piece)).toEqual(whole)
  })

  test('cut anywhere, it ends', async () => {
    const bytes = await make()
    for (let cut = 0; cut < 600; cut += 7) await clean(type, bytes.subarray(0, cut))
  })

  test('without metadata it is not changed', async () => {
    const plain = await sharp(await make()).toBuffer()
    expect(await clean(type, plain)).toEqual(plain)
  })
})

test('in both orders of bytes', async () => {
  const bytes = await photo().jpeg().toBuffer()
  const at = bytes.indexOf('Exif\0\0') + 6
  const other = bytes.toString('latin1', at, at + 2) === 'II' ? 'MM' : 'II'
  const size = bytes.readUInt16BE(at - 8)
  const turned = turn(bytes.subarray(at, at + size - 8), other)
  const whole = Buffer.concat([bytes.subarray(0, at), turned, bytes.subarray(at + size - 8)])
  expect(leadsToPlace((await readExif(whole)).understood)).toBe(true)
  const { raw, orientation } = await readExif(await clean('image/jpeg', whole))
  expect(leadsToPlace(raw)).toBe(false)
  expect(raw).not.toContain('WGS-Sixteen')
  expect(orientation).toBe(6)
})

test('EXIF that cannot be read goes as a whole', async () => {
  const bytes = await photo().jpeg().toBuffer()
  const at = bytes.indexOf('Exif\0\0') + 6
  for (const spoil of [
    (copy: Buffer) => copy.fill(0, at, at + 2),
    (copy: Buffer) => copy.fill(0xff, at + 4, at + 8),
    // A table that leads to itself.
    (copy: Buffer) => copy.fill(0xff, at + 8, at + 10),
  ]) {
    const copy = Buffer.from(bytes)
    spoil(copy)
    const kept = await clean('image/jpeg', copy)
    expect(kept.includes('WGS-Sixteen')).toBe(false)
    expect(kept.includes('Exif')).toBe(false)
  }
})

test('a JPEG loses what lies behind its end, and what applications wrote into it', async () => {
  const bytes = await picture(40, 30).jpeg().toBuffer()
  const segment = (code: number, text: string) =>
    Buffer.concat([Buffer.from([0xff, code, 0, text.length + 2]), Buffer.from(text)])
  const noted = Buffer.concat([
    bytes.subarray(0, 2),
    segment(0xed, 'Photoshop 3.0\0 Berlin'),
    segment(0xe2, 'MPF\0 Berlin'),
    segment(0xe5, 'Berlin'),
    bytes.subarray(2),
    await photo().jpeg().toBuffer(),
    Buffer.from('Berlin'),
  ])
  expect(await clean('image/jpeg', noted)).toEqual(bytes)
})

test('a PNG loses its texts', async () => {
  const bytes = await picture(40, 30).png().toBuffer()
  const text = Buffer.from('\0\0\0\x11tEXtComment\0Berlin 52\0\0\0\0', 'latin1')
  const noted = Buffer.concat([
    bytes.subarray(0, 33),
    text,
    bytes.subarray(33),
    Buffer.from('Berlin'),
  ])
  expect(await clean('image/png', noted)).toEqual(bytes)
})

test('a WebP whose header claims to be as long as the file is refused', async () => {
  const bytes = await photo().webp().toBuffer()
  expect(bytes.toString('latin1', 12, 16)).toBe('VP8X')
  bytes.writeUInt32LE(100_000_000, 16)
  await expect(clean('image/webp', bytes)).rejects.toMatchObject({ status: 422 })
})

test('a GIF keeps its frames and how often it repeats, and loses XMP and comments', async () => {
  const bytes = await animation(40, 30, 4)
  const xmp = Buffer.concat([
    Buffer.from(
      '\x21\xff\x0bXMP DataXMP<x:xmpmeta>exif:GPSLatitude="52,30N"</x:xmpmeta>\x01',
      'latin1',
    ),
    Buffer.from(Array.from({ length: 256 }, (_, index) => 255 - index)),
    Buffer.from([0]),
  ])
  const comment = Buffer.from('\x21\xfe\x06Berlin\0', 'latin1')
  const at = bytes.indexOf('\x21\xff\x0bNETSCAPE', 0, 'latin1')
  const noted = Buffer.concat([bytes.subarray(0, at), xmp, comment, bytes.subarray(at)])
  expect((await sharp(noted).metadata()).pages).toBe(4)
  for (const piece of [1, 7, 10_000]) expect(await clean('image/gif', noted, piece)).toEqual(bytes)
  expect(await sharp(bytes).metadata()).toMatchObject({ pages: 4, loop: 0 })
})

test('an MP4 loses places and XMP, and keeps its length and its film', async () => {
  const bytes = video(5_000)
  expect(bytes.includes('+52.5200')).toBe(true)
  for (const piece of [1, 7, 10_000]) {
    const kept = await clean('video/mp4', bytes, piece)
    expect(kept.length).toBe(bytes.length)
    expect(kept.includes('+52.5200')).toBe(false)
    const at = bytes.indexOf('mdat')
    expect(kept.subarray(at)).toEqual(bytes.subarray(at))
    expect(kept.includes('tkhd')).toBe(true)
  }
})

/** A TIFF in the other order of bytes, with the tables that lead from the first. */
function turn(tiff: Buffer, order: string): Buffer {
  const turned = Buffer.from(tiff)
  const from = order === 'MM' ? 'LE' : 'BE'
  const to = order
  turned.write(to, 0, 'latin1')
  const u16 = (at: number) => {
    const value = from === 'LE' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at)
    if (from === 'LE') turned.writeUInt16BE(value, at)
    else turned.writeUInt16LE(value, at)
    return value
  }
  const u32 = (at: number) => {
    const value = from === 'LE' ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at)
    if (from === 'LE') turned.writeUInt32BE(value, at)
    else turned.writeUInt32LE(value, at)
    return value
  }
  const table = (at: number) => {
    const count = u16(at)
    for (let entry = at + 2; entry < at + 2 + count * 12; entry += 12) {
      const [tag, type, values] = [u16(entry), u16(entry + 2), u32(entry + 4)]
      const bytes = ([0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8][type] ?? 1) * values
      const value = bytes > 4 ? u32(entry + 8) : entry + 8
      if (type === 3) for (let index = 0; index < values; index++) u16(value + index * 2)
      if (type === 4) for (let index = 0; index < values; index++) u32(value + index * 4)
      if (type === 5) for (let index = 0; index < values * 2; index++) u32(value + index * 4)
      if (tag === 0x8769 || tag === 0x8825) table(u32(entry + 8))
    }
    u32(at + 2 + count * 12)
  }
  u16(2)
  table(u32(4))
  return turned
}
