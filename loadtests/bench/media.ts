import { benchCachedImage } from './media-cached.ts'
import { benchUploadMemory } from './media-memory.ts'
import { makePhoto } from './media-photos.ts'
import { benchThumbnails } from './media-thumbnails.ts'
import { benchUploads } from './media-uploads.ts'
import { startMediaWorld } from './media-world.ts'
import type { Row } from './row.ts'

const portOffset = 13_000

/**
 * What uploads cost in time, work and memory, what others notice of variants being made, and how fast
 * the gateway serves what it keeps.
 */
export async function benchMedia(quick: boolean): Promise<Row[]> {
  const photos: Buffer[] = []
  for (const seed of ['one', 'two', 'three']) photos.push(await makePhoto(seed, 28))
  const large = await makePhoto('large', 60, 95)
  await using off = await startMediaWorld('off', portOffset)
  await using lean = await startMediaWorld('lean', portOffset + 500)
  return [
    // First: what others leave behind would hide its own.
    ...(await benchUploadMemory(quick, lean, large)),
    ...(await benchUploads(quick, lean, large)),
    ...(await benchThumbnails(quick, lean, photos)),
    ...(await benchCachedImage(quick, [off, lean], photos[0] as Buffer)),
  ]
}
