import { expect, test } from 'vitest'
import { nanosNow } from './clock.ts'

test('time never runs backwards, is finer than a millisecond, and is the time of day', () => {
  const before = BigInt(Date.now()) * 1_000_000n
  const times = Array.from({ length: 10_000 }, () => BigInt(nanosNow()))
  const after = BigInt(Date.now() + 1) * 1_000_000n
  expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)))
  expect(new Set(times.map((time) => time % 1_000_000n)).size).toBeGreaterThan(1)
  const graceNanos = 1_000_000n
  expect(times[0]! >= before - graceNanos).toBe(true)
  expect(times.at(-1)! <= after + graceNanos).toBe(true)
})
