import { createReadStream } from 'node:fs'
import { Problem } from '@clew/kit/problem'
import { SpanKind } from '@opentelemetry/api'
import sharp, { type Metadata } from 'sharp'
import { tooManyPixels } from './damage.ts'
import { traceWork } from './spans.ts'
import { storageAway } from './storage.ts'
import { pixelsAtMost } from './variants.ts'

/** In pixels, as seen. */
export type Size = { width: number; height: number }
export type CheckImage = (path: string, contentType: string) => Promise<Size>

// Of 8 bits, of what its decoder must hold whole: some 150 MB, however few bytes the file has.
const heldPixelsAtMost = 25_000_000
const options = { kind: SpanKind.INTERNAL }

/**
 * Reads a picture's header, so that one too large is never unpacked. That it is all there was seen as
 * it came; to decode it takes a hundred times as long, and is the worker's.
 */
export function createImageCheck(): CheckImage {
  return (path, contentType) =>
    traceWork('check image', options, () =>
      checkImage(path, contentType).catch((error) => blame(error, path)),
    )
}

/**
 * A decoder says alike that a file is damaged and that it could not be read; so it is read once more.
 * @throws StorageAway when it cannot be, or memory is short; Problem 422 else
 */
async function blame(error: unknown, path: string): Promise<never> {
  if (error instanceof Problem) throw error
  if (/out of memory|too many open files/i.test(String(error))) throw storageAway(error)
  try {
    for await (const _ of createReadStream(path));
  } catch (trouble) {
    throw storageAway(trouble)
  }
  throw damaged()
}

/** @throws Problem 422 for a picture that is too large, or not what its first bytes say */
async function checkImage(path: string, contentType: string): Promise<Size> {
  // The limit is checked here, where all frames count; sharp would count one.
  const header = await sharp(path, { limitInputPixels: false }).metadata()
  if (`image/${header.format}` !== contentType) throw damaged()
  const { width, height, pages = 1 } = header
  if (width * height * pages > pixelsAtMost) throw tooManyPixels('in all', pixelsAtMost)
  if (isHeld(header)) {
    const atMost = heldPixelsAtMost / (header.depth === 'uchar' ? 1 : 2)
    if (width * height > atMost) throw tooManyPixels('for how it is stored', atMost)
  }
  return seen(header)
}

/** All others come line by line, or shrunk. */
function isHeld({ format, isProgressive }: Metadata): boolean {
  return format === 'gif' || isProgressive === true
}

/** Orientations from 5 on lie on their side. */
function seen({ width, height, orientation = 1 }: Metadata): Size {
  return orientation >= 5 ? { width: height, height: width } : { width, height }
}

function damaged(): Problem {
  return new Problem(422, 'The picture cannot be decoded: it is damaged or incomplete.')
}
