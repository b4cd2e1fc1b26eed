import sharp, { type Sharp } from 'sharp'

export type VariantName = 'thumb' | 'card'
export type VariantSize = { name: VariantName; width: number; height: number }
/** `width` and `height` in pixels; `data` is WebP. */
export type Variant = VariantSize & { data: Buffer }

/** The side of the square that each variant fits in, in pixels. */
const sides: Record<VariantName, number> = { thumb: 320, card: 1280 }

/** As many as a photo of a good camera has, and what a decoder may be asked for. */
export const pixelsAtMost = 50_000_000

// Two images are made at once, each on one thread: a queue of photos cannot take every core. What
// libvips keeps of one image is of no use to the next.
sharp.concurrency(1)
sharp.cache(false)

/** How large each variant is, from the size of the original as it is seen. Known before any is made. */
export function variantSizes(width: number, height: number): VariantSize[] {
  const sizes = Object.entries(sides) as [VariantName, number][]
  return sizes.map(([name, side]) => {
    const scale = Math.min(1, side / Math.max(width, height))
    return { name, width: scaled(width, scale), height: scaled(height, scale) }
  })
}

function scaled(length: number, scale: number): number {
  return Math.max(1, Math.round(length * scale))
}

export type Pixels = { data: Buffer; width: number; height: number; channels: 1 | 2 | 3 | 4 }

/**
 * Decodes an image once, no larger than its card: upright, in sRGB, the first frame of several.
 * Only pixels come out, so none of its metadata can reach a variant.
 * Reads the file as it decodes: neither it nor all of its pixels are ever held.
 * @throws Error when it cannot be decoded
 */
export async function decodeImage(path: string): Promise<Pixels> {
  const { data, info } = await sharp(path, {
    limitInputPixels: pixelsAtMost,
    failOn: 'truncated',
  })
    .autoOrient()
    .resize({ width: sides.card, height: sides.card, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height, channels: info.channels }
}

/** @param pixels of the card: the thumb is made from them too, so that nothing is decoded twice */
export async function encodeVariant(pixels: Pixels, size: VariantSize): Promise<Variant> {
  const { width, height, name } = size
  const image = fromPixels(pixels)
  const fitting = pixels.width === width && pixels.height === height
  const sized = fitting ? image : image.resize({ width, height, fit: 'fill' })
  return { name, width, height, data: await sized.webp({ quality: 80, effort: 2 }).toBuffer() }
}

function fromPixels({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels } })
}
