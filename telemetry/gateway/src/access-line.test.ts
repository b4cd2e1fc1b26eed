import { expect, test } from 'vitest'
import { readLine } from './access-line.ts'
import { aLine } from './fixtures.ts'

test('a line of NGINX is read', () => {
  expect(readLine(JSON.stringify(aLine()))).toEqual(aLine())
})

test.each([
  ['nothing', ''],
  ['half a line', JSON.stringify(aLine()).slice(0, 100)],
  ['the second half of one', JSON.stringify(aLine()).slice(100)],
  ['zero bytes, as a power cut leaves them', '\0\0\0\0'],
  ['no object', '[1]'],
  ['null', 'null'],
  ['a missing field', JSON.stringify({ ...aLine(), agent: undefined })],
  ['a number where text belongs', JSON.stringify({ ...aLine(), status: 200 })],
  ['a trace id that is none', JSON.stringify(aLine({ trace: 'x'.repeat(32) }))],
  ['a parent id that is none', JSON.stringify(aLine({ parent: '12' }))],
  ['a status that is none', JSON.stringify(aLine({ status: '-' }))],
  ['a time that is none', JSON.stringify(aLine({ end: '-' }))],
])('%s is no line', (_, text) => {
  expect(readLine(text)).toBeUndefined()
})
