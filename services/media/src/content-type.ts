import { Problem } from '@clew/kit/problem'
import { fileTypeFromBuffer } from 'file-type'
import type { ContentType } from './metadata.ts'

/** As many of the first bytes as it takes to tell a type. */
export const headBytes = 4_100

const accepted: Record<string, ContentType> = {
  'image/jpeg': 'image/jpeg',
  'image/png': 'image/png',
  'image/apng': 'image/png',
  'image/gif': 'image/gif',
  'image/webp': 'image/webp',
  'video/mp4': 'video/mp4',
}

/**
 * What the bytes are, whatever they are called.
 * @throws Problem 422 when there are none, 415 for what is not accepted
 */
export async function readContentType(head: Buffer): Promise<ContentType> {
  if (head.length === 0) throw new Problem(422, 'There are no bytes in this upload.')
  // A type can be told wrong from bytes made for that; decoding comes later.
  const found = await fileTypeFromBuffer(head).catch(() => undefined)
  const type = accepted[found?.mime ?? '']
  if (type) return type
  throw new Problem(415, 'The bytes must be a JPEG, PNG, GIF or WebP picture, or an MP4 video.')
}
