import { crc32 } from 'node:zlib'
import { Problem } from './problem.ts'

const id = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

/**
 * Where a page of a list ended, opaque to callers so that what is inside may change.
 * The checksum tells a cursor that was cut, changed or taken from another list. It needs no secret:
 * a cursor only says where to go on, in a list that whoever asks may read all of.
 * @param list which list, whose and in which order: `timeline:{user}`, `messages:{conversation}`
 * @param position where in it, such as the last id
 */
export function writeCursor(list: string, position: string): string {
  return Buffer.from(`${position}~${checksum(list, position)}`).toString('base64url')
}

/**
 * The position that `writeCursor` was given.
 * @param form what a position of this list looks like, if it is no id: whoever makes up a cursor can make it fit
 * @throws Problem 400 for any other cursor, or another list's
 */
export function readCursor(list: string, cursor: string, form = id): string {
  const text = Buffer.from(cursor, 'base64url').toString()
  const position = text.slice(0, Math.max(0, text.lastIndexOf('~')))
  // Written again, since decoding overlooks what is no base64.
  if (!form.test(position) || writeCursor(list, position) !== cursor)
    throw new Problem(400, 'The cursor is not of this list.')
  return position
}

function checksum(list: string, position: string): string {
  return crc32(`${list}~${position}`).toString(36)
}
