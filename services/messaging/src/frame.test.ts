import { expect, test } from 'vitest'
import { frameOf } from './frame.ts'

test.each([
  [0, [0x81, 1]],
  [124, [0x81, 125]],
  [125, [0x81, 126, 0, 126]],
  [65_534, [0x81, 126, 0xff, 0xff]],
  [65_535, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
])('a frame of %d letters says how long it is', (letters, head) => {
  const frame = frameOf('x'.repeat(letters))
  expect([...frame.subarray(0, head.length)]).toEqual(head)
  expect(frame.subarray(head.length).toString()).toBe(`4${'x'.repeat(letters)}`)
})

test('its length is in bytes', () => {
  expect([...frameOf('ä')]).toEqual([0x81, 3, 0x34, 0xc3, 0xa4])
})
