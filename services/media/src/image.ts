import { Problem } from '@clew/kit/problem'
import { SpanKind } from '@opentelemetry/api'
import sharp, { type Metadata } from 'sharp'
import { createRoom } from './room.ts'
import { traceWork } from './spans.ts'
import { pixelsAtMost } from './variants.ts'

/** In pixels, as seen. */
export type Size = { width: number; height: number }
export type CheckImage = (path: string, contentType: string) => Promise<Size>

const atOnce = 2
const shrunkSide = 64
const options = { kind: SpanKind.INTERNAL }

/**
 * Looks whether a picture can be decoded, at most two at once: first at its header, so that
 * one too large is never unpacked, then at all of it, shrunk while it is decoded.
 */
export function createImageCheck(): CheckImage {
  const room = createRoom(atOnce)
  return (path, contentType) =>
    traceWork('check image', options, () => room(() => checkImage(path, contentType)))
}

/** @throws Problem 422 for a picture that is damaged, too large, or not what its first bytes say */
async function checkImage(path: string, contentType: string): Promise<Size> {
  // The limit is checked here, where all frames count; sharp would count one.
  const image = sharp(path, { failOn: 'truncated', limitInputPixels: false, sequentialRead: true })
  const header = await image.metadata().catch(damaged)
  if (`image/${header.format}` !== contentType) throw damaged()
  const { width, height, pages = 1 } = header
  if (width * height * pages > pixelsAtMost) {
    const millions = pixelsAtMost / 1_000_000
    throw new Problem(422, `The picture has more than ${millions} million pixels in all.`)
  }
  await image.resize(shrunkSide, shrunkSide, { fit: 'inside' }).raw().toBuffer().catch(damaged)
  return seen(header)
}

/** Orientations from 5 on lie on their side. */
function seen({ width, height, orientation = 1 }: Metadata): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height }
}

function damaged(): never {
  throw new Problem(422, 'The picture cannot be decoded: it is damaged or incomplete.')
}
