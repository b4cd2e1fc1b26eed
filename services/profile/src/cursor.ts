/** Where a page of a list ended: after this follow, which this person is the other side of. */
export type Position = { at: Date; id: string }

/** Behind every id. */
export const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

const form = /^(\d{1,15})\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/
const lastDate = 8_640_000_000_000_000

/** Opaque to callers, so that what is inside may change. */
export function writeCursor({ at, id }: Position): string {
  return Buffer.from(`${at.getTime()}.${id}`).toString('base64url')
}

/** @returns undefined for what `writeCursor` did not write */
export function parseCursor(cursor: string): Position | undefined {
  const [, at, id] = form.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (!at || !id || Number(at) > lastDate) return undefined
  return { at: new Date(Number(at)), id }
}
