import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { animation, photo, picture, video } from '../test/pictures.ts'
import { createByteReader } from './byte-reader.ts'
import { blankLocation } from './metadata/exif.ts'
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
    const bytes = await make()
    const whole = await clean(type, bytes)
    for (const piece of [1, 3, 1_001]) expect(await clean(type, bytes, piece)).toEqual(whole)
  })

  test('cut anywhere, it is incomplete', async () => {
    const bytes = await make()
    const cuts = [...Array(90).keys()].map((cut) => cut * 7)
    for (const cut of [...cuts, bytes.length >> 1, bytes.length - 300, bytes.length - 1]) {
      const cleaned = clean(type, bytes.subarray(0, cut))
      await expect(cleaned).rejects.toMatchObject({
        status: 422,
        message: expect.stringContaining('incomplete'),
      })
    }
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

test('an MP4 loses what nobody needs to play it, wherever it is', async () => {
  const box = (type: string, ...content: Buffer[]) => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(8 + Buffer.concat(content).length)
    head.write(type, 4, 'latin1')
    return Buffer.concat([head, ...content])
  }
  const berlin = (type: string) => box(type, Buffer.from('Berlin'))
  const film = box('mdat', Buffer.from('the film'))
  const track = box('trak', berlin('kywd'), box('mdia', berlin('gps '), berlin('minf')))
  const bytes = Buffer.concat([
    video().subarray(0, 32),
    berlin('free'),
    berlin('skip'),
    box('moov', berlin('gps '), berlin('thum'), track),
    film,
    berlin('GPS '),
  ])
  const kept = (await clean('video/mp4', bytes)).toString('latin1')
  expect(kept.length).toBe(bytes.length)
  expect(kept.split('Berlin').length - 1).toBe(1)
  expect(kept).toContain('minfBerlin')
  expect(kept).toContain('the film')
  expect(kept).not.toMatch(/gps|thum|kywd|skip/i)
})

describe('EXIF', () => {
  /** Tables of entries, each `[tag, value]`: a text lies behind the tables. */
  function exifOf(...tables: [number, number | string][][]): Buffer {
    const tableBytes = tables.map((entries) => 2 + entries.length * 12 + 4)
    const texts: Buffer[] = []
    let free = 8 + tableBytes.reduce((sum, bytes) => sum + bytes, 0)
    let at = 8
    const written = tables.map((entries, index) => {
      const table = Buffer.alloc(tableBytes[index] ?? 0)
      table.writeUInt16LE(entries.length)
      for (const [place, [tag, value]] of entries.entries()) {
        const entry = 2 + place * 12
        const text = typeof value === 'string'
        table.writeUInt16LE(tag, entry)
        table.writeUInt16LE(text ? 2 : 4, entry + 2)
        table.writeUInt32LE(text ? value.length : 1, entry + 4)
        table.writeUInt32LE(text ? free : value, entry + 8)
        if (!text) continue
        texts.push(Buffer.from(value))
        free += value.length
      }
      at += table.length
      table.writeUInt32LE(index < tables.length - 1 ? at : 0, table.length - 4)
      return table
    })
    return Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), ...written, ...texts])
  }
  const cleaned = (exif: Buffer) => ({ read: blankLocation(exif), text: exif.toString('latin1') })

  test('loses XMP, IPTC and what Photoshop wrote', () => {
    const { read, text } = cleaned(
      exifOf([
        [0x010f, 'Pinhole'],
        [0x02bc, '<GPS>52,30N</GPS>'],
        [0x83bb, 'Berlin, IPTC'],
        [0x8649, 'Berlin, 8BIM'],
      ]),
    )
    expect(read).toBe(true)
    expect(text).toContain('Pinhole')
    expect(text).not.toMatch(/GPS|Berlin/)
  })

  test('loses its thumbnail, with what that says', () => {
    const exif = exifOf(
      [[0x010f, 'Pinhole']],
      [
        [0x0201, 0],
        [0x0202, 22],
        [0x010e, 'a thumbnail from Berlin'],
      ],
    )
    exif.writeUInt32LE(exif.indexOf('a thumbnail'), exif.indexOf(Buffer.from([1, 2, 4, 0])) + 8)
    const { read, text } = cleaned(exif)
    expect(read).toBe(true)
    expect(text).toContain('Pinhole')
    expect(text).not.toContain('thumbnail')
    expect(exif.readUInt32LE(8 + 2 + 12)).toBe(0)
  })

  test('goes as a whole when it has more entries than any camera writes', () => {
    const places: [number, number][] = Array.from({ length: 4_000 }, (_, tag) => [tag, 1])
    expect(cleaned(exifOf(places)).read).toBe(false)
  })

  test('only the first of a picture stays', async () => {
    const bytes = await photo().jpeg().toBuffer()
    const at = bytes.indexOf('Exif\0\0') - 4
    const segment = bytes.subarray(at, at + 2 + bytes.readUInt16BE(at + 2))
    const twice = Buffer.concat([bytes.subarray(0, at), segment, bytes.subarray(at)])
    expect(await clean('image/jpeg', twice)).toEqual(await clean('image/jpeg', bytes))
  })
})

describe('made of more parts than any encoder writes', () => {
  const parts = 60_000
  const many = (part: Buffer) => Buffer.concat(Array(parts).fill(part))
  test.each([
    ['image/jpeg', Buffer.from([0xff, 0x01])],
    ['image/png', Buffer.from('\0\0\0\0tEXt\0\0\0\0', 'latin1')],
    ['image/gif', Buffer.from([0x21, 0xfe, 0])],
    ['video/mp4', Buffer.from('\0\0\0\x08free', 'latin1')],
  ] as [ContentType, Buffer][])('%s is refused', async (type, part) => {
    const start = Buffer.alloc(type === 'image/gif' ? 13 : type === 'image/png' ? 8 : 0)
    const bytes = Buffer.concat([start, many(part)])
    await expect(clean(type, bytes)).rejects.toMatchObject({ status: 422 })
  })

  test('a WebP is refused', async () => {
    const start = Buffer.from('RIFF\0\0\x7f\0WEBP', 'latin1')
    const bytes = Buffer.concat([start, many(Buffer.from('ABCD\0\0\0\0', 'latin1'))])
    bytes.writeUInt32LE(bytes.length - 8, 4)
    await expect(clean('image/webp', bytes)).rejects.toMatchObject({ status: 422 })
  })
})

test('a PNG of a million pixels that moves 60 times is refused, 40 times not', async () => {
  const bytes = await sharp({
    create: { width: 1000, height: 1000, channels: 3, background: 'red' },
  })
    .png()
    .toBuffer()
  const moving = (frames: number) => {
    const control = Buffer.from('\0\0\0\x08acTL\0\0\0\0\0\0\0\0\0\0\0\0', 'latin1')
    control.writeUInt32BE(frames, 8)
    return Buffer.concat([bytes.subarray(0, 33), control, bytes.subarray(33)])
  }
  await expect(clean('image/png', moving(60))).rejects.toMatchObject({ status: 422 })
  expect(await clean('image/png', moving(40))).toEqual(moving(40))
})

test('a GIF ends where a decoder would stop', async () => {
  const bytes = await animation(40, 30, 2)
  const noted = Buffer.concat([bytes.subarray(0, -1), Buffer.alloc(100_000), Buffer.from('Berlin')])
  expect(await clean('image/gif', noted)).toEqual(bytes)
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
