import { expect, test } from 'vitest'
import { parseCursor, writeCursor } from './cursor.ts'

const position = { at: new Date(1_795_000_000_123), id: '0190a000-0000-7000-8000-000000000001' }

test('a cursor comes back as it was written', () => {
  expect(parseCursor(writeCursor(position))).toEqual(position)
})

test.each([
  '',
  'x',
  writeCursor({ ...position, id: 'x' }),
  Buffer.from('1.2').toString('base64url'),
])('"%s" is no cursor', (cursor) => {
  expect(parseCursor(cursor)).toBeUndefined()
})
