import { expect, test } from 'vitest'
import { z } from 'zod'
import { Problem } from './problem.ts'
import { parse, text } from './validate.ts'

const schema = z.strictObject({ name: text(1, 5), age: z.number().optional() })

function refusal(input: unknown): Problem {
  try {
    parse(schema, input)
  } catch (error) {
    if (error instanceof Problem) return error
  }
  throw new Error('not refused')
}

test('each field at fault is named, in words', () => {
  expect(refusal({ extra: 1, more: 2 }).errors).toEqual([
    { field: 'name', message: 'is required' },
    { field: 'extra', message: 'is not a known field' },
    { field: 'more', message: 'is not a known field' },
  ])
  expect(refusal({ name: 'a\0b' }).errors).toEqual([
    { field: 'name', message: 'must not contain a null byte' },
  ])
  expect(refusal({ name: 'longer than five', age: 'x' }).errors?.map(({ field }) => field)).toEqual(
    ['name', 'age'],
  )
})

test.each([[null], [[]], ['text'], [7]])('%j is no object: 400', (input) => {
  expect(refusal(input).status).toBe(400)
})

test('what fits comes through', () => {
  expect(parse(schema, { name: 'ann' })).toEqual({ name: 'ann' })
})
