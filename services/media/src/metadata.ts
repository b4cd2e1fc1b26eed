import type { ByteReader } from './byte-reader.ts'
import { cleanGif } from './metadata/gif.ts'
import { cleanJpeg } from './metadata/jpeg.ts'
import { cleanMp4 } from './metadata/mp4.ts'
import { cleanPng } from './metadata/png.ts'
import { cleanWebp } from './metadata/webp.ts'

const cleaners = {
  'image/jpeg': cleanJpeg,
  'image/png': cleanPng,
  'image/gif': cleanGif,
  'image/webp': cleanWebp,
  'video/mp4': cleanMp4,
}

export type ContentType = keyof typeof cleaners

/**
 * The bytes without what says where a picture was taken. The source is read to its end.
 * @throws Problem 422 when that comes before the end of the picture
 */
export async function* removeLocation(
  type: ContentType,
  bytes: ByteReader,
): AsyncGenerator<Buffer> {
  yield* cleaners[type](bytes)
  // What follows the picture is dropped, but it counts, and it may break off.
  await bytes.skip(Number.POSITIVE_INFINITY)
}
