import { expect, test } from 'vitest'
import { keepPace, planArrivals } from './pace.ts'

test('arrivals come in order, at the rate asked for', () => {
  const arrivals = planArrivals(10_000, 500, 'a')
  expect(arrivals).toEqual(arrivals.toSorted())
  expect(arrivals.at(-1)).toBeGreaterThan(19_000)
  expect(arrivals.at(-1)).toBeLessThan(21_000)
})

test('gaps differ as those between strangers do: about a third are above the mean', () => {
  const arrivals = planArrivals(10_000, 1_000, 'b')
  const above = arrivals.filter((at, place) => at - (arrivals[place - 1] ?? 0) > 1).length
  expect(above / 10_000).toBeCloseTo(1 / Math.E, 1)
})

test('the same seed gives the same arrivals, another gives others', () => {
  expect(planArrivals(9, 10, 'a')).toEqual(planArrivals(9, 10, 'a'))
  expect(planArrivals(9, 10, 'a')).not.toEqual(planArrivals(9, 10, 'c'))
})

test('what is late is told, and what comes after it is still due when it was', async () => {
  const dues: number[] = []
  const late = await keepPace(new Float64Array([0, 1, 200]), (place, due) => {
    dues.push(due)
    const until = performance.now() + 60
    while (place === 0 && performance.now() < until);
  })
  expect(late[1]).toBeGreaterThan(50)
  expect(late[2]).toBeLessThan(late[1] ?? 0)
  expect((dues[2] ?? 0) - (dues[0] ?? 0)).toBeCloseTo(200, 5)
})

test('nothing begins before it is due', async () => {
  const late = await keepPace(planArrivals(200, 1_000, 'd'), () => undefined)
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
})
