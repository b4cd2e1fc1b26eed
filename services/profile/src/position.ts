import * as cursors from '@clew/kit/cursor'

/** Where a page of a list ended: after this follow, which this person is the other side of. */
export type Position = { at: Date; id: string }

/** Behind every id. */
export const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

const form = /^\d{1,15}\.[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

export function writeCursor(list: string, { at, id }: Position): string {
  return cursors.writeCursor(list, `${at.getTime()}.${id}`)
}

/** @throws Problem 400 for what `writeCursor` did not write for this list */
export function readCursor(list: string, cursor: string): Position {
  const [at, id = ''] = cursors.readCursor(list, cursor, form).split('.')
  return { at: new Date(Number(at)), id }
}
