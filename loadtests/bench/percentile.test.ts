import { expect, test } from 'vitest'
import { percentile } from './percentile.ts'

const hundred = Array.from({ length: 100 }, (_, place) => 100 - place)

test('one in a hundred is above the 99th percentile', () => {
  expect(percentile(hundred, 0.99)).toBe(99)
  expect(hundred.filter((value) => value > percentile(hundred, 0.99))).toHaveLength(1)
})

test('half are not above the median', () => {
  expect(percentile(hundred, 0.5)).toBe(50)
})

test('numbers are not sorted as words', () => {
  expect(percentile([9, 10, 100], 0.5)).toBe(10)
})

test('of one value every percentile is that, of none there is none', () => {
  expect(percentile([7], 0.99)).toBe(7)
  expect(percentile([7], 0)).toBe(7)
  expect(percentile([], 0.5)).toBeNaN()
})
