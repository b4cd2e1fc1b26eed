import { expect, test } from 'vitest'
import { score, timeOf } from './ranking.ts'

const hour = 3_600_000
const quiet = { likes: '0', comments: '0' }

test('of two that are talked about as much, the newer is worth more', () => {
  expect(score(quiet, hour)).toBeGreaterThan(score(quiet, 2 * hour))
})

test('of two as old, the one with more likes is, and a comment counts as two', () => {
  expect(score({ likes: '1', comments: '0' }, hour)).toBeGreaterThan(score(quiet, hour))
  expect(score({ likes: '0', comments: '1' }, hour)).toBe(
    score({ likes: '2', comments: '0' }, hour),
  )
})

test('ten likes carry a post past one that is five hours newer, one like does not', () => {
  expect(score({ likes: '10', comments: '0' }, 6 * hour)).toBeGreaterThan(score(quiet, hour))
  expect(score({ likes: '1', comments: '0' }, 6 * hour)).toBeLessThan(score(quiet, hour))
})

test('an id tells when it was made', () => {
  expect(timeOf('019a5c9e-7c00-7abc-8def-000000000000')).toBe(0x019a5c9e7c00)
})
