import { createRandom } from '@clew/population/random'
import sharp from 'sharp'

const [width, height] = [4_000, 3_000]
// As much as a camera's picture: soft shapes that are fifty pixels wide, under grain.
const softness = 50

/** A JPEG of 12 megapixels that is as hard to compress as a camera's: `grain` 20 makes about 4 MB of it. */
export async function makePhoto(seed: string, grain: number, quality = 85): Promise<Buffer> {
  const { word } = createRandom('bench', 'photo', seed)
  const small = { width: width / softness, height: height / softness, channels: 3 } as const
  const shapes = Buffer.from(
    Array.from({ length: small.width * small.height * 3 }, () => word() >>> 24),
  )
  const pixels = await sharp(shapes, { raw: small })
    .resize(width, height, { kernel: 'cubic', fit: 'fill' })
    .raw()
    .toBuffer()
  for (let at = 0; at < pixels.length; at += 4) {
    const noise = word()
    for (let byte = 0; byte < 4; byte++) {
      const value =
        (pixels[at + byte] ?? 0) + (((noise >>> (byte * 8)) & 255) - 128) * (grain / 128)
      pixels[at + byte] = Math.max(0, Math.min(255, value))
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer()
}
