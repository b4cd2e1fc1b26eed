import * as cursors from '@clew/kit/cursor'
import { expect, test } from 'vitest'
import { readCursor, writeCursor } from './position.ts'

const list = 'followers:0190a000-0000-7000-8000-000000000002'
const position = { at: new Date(1_795_000_000_123), id: '0190a000-0000-7000-8000-000000000001' }

test('a position comes back as it was written', () => {
  expect(readCursor(list, writeCursor(list, position))).toEqual(position)
})

test.each([
  writeCursor('following:0190a000-0000-7000-8000-000000000002', position),
  writeCursor(list, { ...position, id: 'x' }),
  cursors.writeCursor(list, position.id),
  cursors.writeCursor(list, `9999999999999999.${position.id}`),
  cursors.writeCursor(list, `-1.${position.id}`),
])('"%s" is no cursor of this list', (cursor) => {
  expect(() => readCursor(list, cursor)).toThrow(expect.objectContaining({ status: 400 }))
})
