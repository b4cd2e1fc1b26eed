import { expect, test } from 'vitest'
import { readCursor, writeCursor } from './cursor.ts'

const list = 'timeline:0190a000-0000-7000-8000-000000000001'
const position = '0190a000-0000-7000-8000-000000000002'
const cursor = writeCursor(list, position)

test('a cursor comes back as it was written', () => {
  expect(readCursor(list, cursor)).toBe(position)
})

const refused: [string, string, string][] = [
  ['of somebody else', list.replace(/1$/, '3'), cursor],
  ['of another list', list.replace('timeline', 'author'), cursor],
  ['of another order', list.replace('timeline', 'ranked'), cursor],
  ['that is empty', list, ''],
  ['that is no cursor', list, 'x'],
  ['with something behind it', list, `${cursor}!`],
  ['padded', list, `${cursor}=`],
  ['that was cut', list, cursor.slice(0, -1)],
  ['without a checksum', list, Buffer.from(position).toString('base64url')],
]

test.each(refused)('a cursor %s is refused', (_, name, text) => {
  expect(() => readCursor(name, text)).toThrow(expect.objectContaining({ status: 400 }))
})

test.each(['', 'x', '%00', `${position} `, `${position}\n`, `${position}'`, '5'])(
  'made up with the position "%s", it is refused for all that its checksum fits',
  (made) => {
    const text = writeCursor(list, decodeURIComponent(made))
    expect(() => readCursor(list, text)).toThrow(expect.objectContaining({ status: 400 }))
  },
)

test('positions of another form are read where they are asked for', () => {
  expect(readCursor(list, writeCursor(list, '15'), /^\d+$/)).toBe('15')
  expect(() => readCursor(list, cursor, /^\d+$/)).toThrow()
})

test('a cursor with any one character changed is refused', () => {
  for (let at = 0; at < cursor.length; at++) {
    const changed = cursor[at] === 'A' ? 'B' : 'A'
    const text = cursor.slice(0, at) + changed + cursor.slice(at + 1)
    expect(() => readCursor(list, text)).toThrow()
  }
})
