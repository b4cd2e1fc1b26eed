import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp, { type Color } from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeImage, encodeVariant, type Variant, variantSizes } from '../src/variants.ts'

const [red, blue] = ['#ff0000', '#0000ff']

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew-media-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function plain(width: number, height: number, background: Color = red) {
  return sharp({ create: { width, height, channels: 3, background } })
}

/** A red image whose upper left quarter is blue, so that one sees how it was turned. */
async function cornered(width: number, height: number) {
  const corner = await plain(width / 2, height / 2, blue)
    .png()
    .toBuffer()
  return plain(width, height).composite([{ input: corner, left: 0, top: 0 }])
}

async function decode(original: Buffer) {
  await writeFile(join(folder, 'original'), original)
  return decodeImage(join(folder, 'original'))
}

async function variantsOf(original: Buffer, width: number, height: number): Promise<Variant[]> {
  const pixels = await decode(original)
  return Promise.all(variantSizes(width, height).map((size) => encodeVariant(pixels, size)))
}

/** What one sees a quarter of the way in from the left and from the top. */
async function colourAt(image: Buffer, across: number, down: number): Promise<string> {
  const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true })
  const place = Math.floor(info.height * down) * info.width + Math.floor(info.width * across)
  const [r = 0, , b = 0] = data.subarray(place * info.channels)
  return r > b ? 'red' : 'blue'
}

describe('sizes', () => {
  test.each([
    [4000, 3000, [320, 240], [1280, 960]],
    [3000, 4000, [240, 320], [960, 1280]],
    [800, 600, [320, 240], [800, 600]],
    [100, 50, [100, 50], [100, 50]],
    [1, 9_000, [1, 320], [1, 1280]],
    [999, 998, [320, 320], [999, 998]],
  ])('of %i x %i are known before they are made', async (width, height, thumb, card) => {
    expect(variantSizes(width, height)).toEqual([
      { name: 'thumb', width: thumb[0], height: thumb[1] },
      { name: 'card', width: card[0], height: card[1] },
    ])
    const original = await plain(width, height).png().toBuffer()
    for (const { data, ...size } of await variantsOf(original, width, height)) {
      const made = await sharp(data).metadata()
      expect(made).toMatchObject({ format: 'webp', width: size.width, height: size.height })
    }
  })
})

test.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i is seen upright', async (orientation) => {
  const image = await cornered(2_000, 1_000)
  const original = await image.withMetadata({ orientation }).jpeg().toBuffer()
  const [width, height] = orientation < 5 ? [2_000, 1_000] : [1_000, 2_000]
  const corners: Record<number, [number, number]> = {
    1: [0.25, 0.25],
    2: [0.75, 0.25],
    3: [0.75, 0.75],
    4: [0.25, 0.75],
    5: [0.25, 0.25],
    6: [0.75, 0.25],
    7: [0.75, 0.75],
    8: [0.25, 0.75],
  }
  for (const { name, data, ...size } of await variantsOf(original, width, height)) {
    expect(await sharp(data).metadata()).toMatchObject(size)
    for (const across of [0.25, 0.75]) {
      for (const down of [0.25, 0.75]) {
        const [x, y] = corners[orientation] ?? []
        const expected = across === x && down === y ? 'blue' : 'red'
        expect([name, across, down, await colourAt(data, across, down)]).toEqual([
          ...[name, across, down],
          expected,
        ])
      }
    }
  }
})

test('all that a camera wrote beside the pixels is gone', async () => {
  const original = await plain(2_000, 1_000)
    .withExif({ IFD0: { Make: 'Camera' }, IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
    .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><place>home</place></x:xmpmeta>')
    .withIccProfile('p3')
    .jpeg()
    .toBuffer()
  expect(await sharp(original).metadata()).toHaveProperty('exif')
  for (const { data } of await variantsOf(original, 2_000, 1_000)) {
    const made = await sharp(data).metadata()
    for (const kind of ['exif', 'xmp', 'iptc', 'icc']) expect(made).not.toHaveProperty(kind)
  }
})

test('another colour space looks the same', async () => {
  const original = await plain(600, 300, '#c83264').withIccProfile('p3').jpeg().toBuffer()
  for (const { data } of await variantsOf(original, 600, 300)) {
    const [r = 0, g = 0, b = 0] = await sharp(data).raw().toBuffer()
    expect(Math.max(Math.abs(r - 0xc8), Math.abs(g - 0x32), Math.abs(b - 0x64))).toBeLessThan(12)
  }
})

test('of an animation the first frame is shown', async () => {
  const frames = await Promise.all([red, blue].map((one) => plain(60, 40, one).png().toBuffer()))
  for (const format of ['gif', 'webp'] as const) {
    const original = await sharp(frames, { join: { animated: true } })
      .toFormat(format)
      .toBuffer()
    expect((await sharp(original).metadata()).pages).toBe(2)
    for (const { data } of await variantsOf(original, 60, 40)) {
      expect((await sharp(data).metadata()).pages ?? 1).toBe(1)
      expect(await colourAt(data, 0.5, 0.5)).toBe('red')
    }
  }
})

test.each([
  ['16 bits', () => plain(400, 200, '#c80000').toColourspace('rgb16').png(), [200, 0, 0]],
  ['grey', () => plain(400, 200, '#808080').toColourspace('b-w').png(), [128, 128, 128]],
  ['CMYK', () => plain(400, 200, '#ffffff').toColourspace('cmyk').jpeg(), [255, 255, 255]],
  ['a palette', () => plain(400, 200, '#00c800').png({ palette: true }), [0, 200, 0]],
] as const)('an image in %s keeps its colours', async (_name, image, colour) => {
  for (const { data } of await variantsOf(await image().toBuffer(), 400, 200)) {
    const seen = [...(await sharp(data).raw().toBuffer()).subarray(0, 3)]
    for (const [at, value] of colour.entries()) expect(seen[at]).toBeCloseTo(value, -1)
  }
})

test('what is transparent stays so', async () => {
  const background = { r: 255, g: 0, b: 0, alpha: 0.5 }
  const image = sharp({ create: { width: 900, height: 900, channels: 4, background } })
  for (const original of [await image.png().toBuffer(), await image.grayscale().png().toBuffer()]) {
    for (const { data } of await variantsOf(original, 900, 900)) {
      const { channels } = await sharp(data).metadata()
      const pixels = await sharp(data).raw().toBuffer()
      expect(pixels[channels - 1]).toBeCloseTo(128, -1)
    }
  }
})

test('what is broken or far too large is not decoded', async () => {
  const whole = await (await cornered(2_000, 1_000)).jpeg().toBuffer()
  await expect(decode(whole.subarray(0, whole.length / 2))).rejects.toThrow()
  await expect(decode(Buffer.from('no image'))).rejects.toThrow()
  const bomb = await plain(7_100, 7_100).png({ compressionLevel: 1 }).toBuffer()
  await expect(decode(bomb)).rejects.toThrow(/pixel/)
})
