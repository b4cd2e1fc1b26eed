import { setImmediate as turn } from 'node:timers/promises'
import { Problem } from '@clew/kit/problem'
import { expect, test } from 'vitest'
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

test('who fails does not fail others, unless the database is away', async () => {
  const take = createTurns()
  const fail = (status: number) => async () => {
    await turn()
    throw new Problem(status, 'no')
  }
  const refused = [take('a', fail(404)), take('a', async () => 'fine')]
  expect((await Promise.allSettled(refused)).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
  ])
  let tried = false
  const away = [
    take('a', fail(503)),
    take('a', async () => {
      tried = true
    }),
  ]
  expect((await Promise.allSettled(away)).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
  ])
  expect(tried).toBe(false)
  expect(await take('a', async () => 'again')).toBe('again')
})
