import { expect, test } from 'vitest'
import { parseDuration, parseTime, readTraceId, readTraceQuery } from './parameters.ts'

test.each([
  ['1.5s', 1_500_000],
  ['100ms', 100_000],
  ['1h2m3s', 3_723_000_000],
  ['250us', 250],
  ['250µs', 250],
  ['1ns', 0.001],
  ['0', 0],
  ['-2ms', -2_000],
])('the duration %s is %d microseconds', (text, micros) => {
  expect(parseDuration(text)).toBeCloseTo(micros, 6)
})

test.each(['5', 's', '1 s', '1.s5', 'ten ms', ''])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow('invalid duration')
})

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01T00:00:01.5Z', 1_500_000],
  ['1970-01-01T01:00:00.000001999+01:00', 1],
])('the time %s is %d microseconds', (text, micros) => {
  expect(parseTime(text)).toBe(micros)
})

test.each(['today', '2023-13-01T00:00:00Z', '2023-01-01', '1700000000'])(
  '%s is no time',
  (text) => {
    expect(() => parseTime(text)).toThrow('RFC 3339')
  },
)

test('a search without conditions is for the newest hundred', () => {
  expect(readTraceQuery(new URLSearchParams())).toMatchObject({ limit: 100, attributes: [] })
})

test('a trace id may be short, not malformed', () => {
  expect(readTraceId('Abc').toString('hex')).toBe('abc'.padStart(32, '0'))
  for (const text of ['', 'g', '0'.repeat(33)]) expect(() => readTraceId(text)).toThrow('trace_id')
})
