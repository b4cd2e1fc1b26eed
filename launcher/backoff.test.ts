import { expect, it } from 'vitest'
import { backoffMs } from './backoff.ts'

it('doubles the pause and ends at half a minute', () => {
  expect([1, 2, 3, 6, 7, 8, 2000].map(backoffMs)).toEqual([
    500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000,
  ])
})
