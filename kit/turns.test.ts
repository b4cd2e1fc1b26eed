import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DatabaseAway } from './postgres.ts'
import { Problem } from './problem.ts'
import { createTurns } from './turns.ts'

test('one after the other for the same key, at once for others', async () => {
  const take = createTurns()
  const seen: string[] = []
  const work = (name: string) => async () => {
    seen.push(`${name} begins`)
    await turn()
    seen.push(`${name} ends`)
    return name
  }
  const all = [take('a', work('1')), take('a', work('2')), take('b', work('3'))]
  expect(await Promise.all(all)).toEqual(['1', '2', '3'])
  expect(seen).toEqual(['1 begins', '3 begins', '1 ends', '2 begins', '3 ends', '2 ends'])
})

test.each([
  ['refused', new Problem(404, 'no'), true],
  ['too slow', new Problem(503, 'busy'), true],
  ['without a database', new DatabaseAway(new Error('gone')), false],
])('after somebody who is %s, others try: %s', async (_what, failure, expected) => {
  const take = createTurns()
  let tried = false
  const both = await Promise.allSettled([
    take('a', async () => {
      await turn()
      throw failure
    }),
    take('a', async () => {
      tried = true
    }),
  ])
  expect(both.map(({ status }) => status)).toEqual([
    'rejected',
    expected ? 'fulfilled' : 'rejected',
  ])
  expect(tried).toBe(expected)
  expect(await take('a', async () => 'again')).toBe('again')
})

test('a line of 2,000 is full, until somebody leaves it', async () => {
  const take = createTurns()
  const gate = Promise.withResolvers<void>()
  const all = Array.from({ length: 2_000 }, () => take('a', () => gate.promise))
  await expect(take('a', async () => {})).rejects.toMatchObject({ status: 503 })
  expect(await take('b', async () => 'elsewhere')).toBe('elsewhere')
  gate.resolve()
  await Promise.all(all)
  expect(await take('a', async () => 'again')).toBe('again')
})

test('who waited too long is sent away, and whoever came later has a turn', async () => {
  const take = createTurns(20)
  const gate = Promise.withResolvers<void>()
  const first = take('a', () => gate.promise)
  const early = take('a', async () => 'early')
  const refused = expect(early).rejects.toMatchObject({ status: 503 })
  await sleep(50)
  const late = take('a', async () => 'late')
  gate.resolve()
  await first
  await refused
  expect(await late).toBe('late')
})
