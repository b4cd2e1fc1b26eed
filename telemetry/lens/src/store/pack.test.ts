import { expect, test } from 'vitest'
import { nanosOf, readInstant } from './instant.ts'
import { type PackedSpan, pack, scan, unpack } from './pack.ts'

const spans: PackedSpan[] = [
  {
    id: 'b7ad6b7169203331',
    parent: '',
    operation: 7,
    error: false,
    start: readInstant('1700000000123456789'),
    end: readInstant('1700000000123458788'),
  },
  {
    id: '00f067aa0ba902b7',
    parent: 'b7ad6b7169203331',
    operation: 4_000_000_000,
    error: true,
    start: readInstant('999'),
    end: readInstant(''),
  },
]

test('what is packed is unpacked the same, also from the middle of a larger buffer', () => {
  expect(unpack(pack(spans))).toEqual(spans)
  const larger = Buffer.concat([Buffer.alloc(3), pack(spans)])
  expect(unpack(larger.subarray(3))).toEqual(spans)
})

test('a scan sees operation, start, duration in microseconds, and error', () => {
  const seen: unknown[] = []
  scan(pack(spans), (...fields) => seen.push(fields) < 0)
  expect(seen).toEqual([
    [7, 1_700_000_000_123_456, 1.999, false],
    [4_000_000_000, 0, -0.999, true],
  ])
})

test.each(['0', '1', '999', '1000', '1700000000123456789', '4102444800000000000'])(
  '%s nanoseconds survive',
  (nanos) => {
    expect(nanosOf(readInstant(nanos))).toBe(nanos)
  },
)

test('a number of nanoseconds is read as its digits', () => {
  expect(readInstant(1_500)).toEqual({ micros: 1, rest: 500 })
})
