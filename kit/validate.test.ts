import { expect, test } from 'vitest'
import { z } from 'zod'
import { Problem } from './problem.ts'
import { parse, text } from './validate.ts'

const schema = z.strictObject({ name: text(1, 5), age: z.number().optional() })

const id = '0190a0b0-0000-7000-8000-00000000abcd'

function attempt(work: () => unknown): Problem | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof Problem) return error
  }
  return undefined
}

function refusal(input: unknown): Problem {
  const problem = attempt(() => parse(schema, input))
  if (!problem) throw new Error('not refused')
  return problem
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

test('what is wrong is said in words', () => {
  const query = z.object({
    limit: z.coerce.number().int().min(1).max(50).optional(),
    order: z.enum(['newest', 'ranked']).optional(),
    ids: z.array(z.uuid()).max(1).optional(),
    content: z.string().max(3, 'is too long').optional(),
    on: z.boolean().optional(),
  })
  const said = (input: object) => {
    const result = attempt(() => parse(query, input))
    return result?.errors?.map(({ field, message }) => `${field} ${message}`)
  }
  expect(said({ limit: '0' })).toEqual(['limit must be at least 1'])
  expect(said({ limit: '51' })).toEqual(['limit must be at most 50'])
  expect(said({ limit: 'abc' })).toEqual(['limit must be a number'])
  expect(said({ limit: '1.5' })).toEqual(['limit must be a whole number'])
  expect(said({ order: 'best' })).toEqual(['order must be one of newest, ranked'])
  expect(said({ ids: ['x'] })).toEqual(['ids.0 must be a UUID'])
  expect(said({ ids: [id, id] })).toEqual(['ids must have at most 1 entry'])
  expect(said({ on: 1 })).toEqual(['on must be true or false'])
  // The schema knows better.
  expect(said({ content: 'four' })).toEqual(['content is too long'])
  expect(refusal({ name: 'longer than five' }).errors).toEqual([
    { field: 'name', message: 'must have at most 5 characters' },
  ])
})

test('what is of the wrong kind is not measured', () => {
  const list = z.object({ ids: z.array(z.string()).max(2), name: z.string().min(3) })
  const problem = attempt(() => parse(list, { ids: 'text', name: ['a'] }))
  expect(problem?.errors).toEqual([
    { field: 'ids', message: 'must be a list' },
    { field: 'name', message: 'must be text' },
  ])
})

test('an answer does not grow with what was asked', () => {
  const names = Array.from({ length: 2_500 }, (_, n) => [`field ${n} ${'x'.repeat(1_000)}`, n])
  const problem = refusal({ name: 'ann', ...Object.fromEntries(names) })
  expect(problem.errors).toHaveLength(20)
  expect(problem.errors?.[0]?.field).toMatch(/^field 0 x+…$/)
  expect(problem.message).toMatch(/^Not acceptable: field 0 .*, and more\.$/)
  expect(JSON.stringify([problem.message, problem.errors]).length).toBeLessThan(8_000)

  const many = attempt(() => parse(z.object({ ids: z.array(z.uuid()) }), { ids: names.flat() }))
  expect(many?.errors).toHaveLength(20)
  expect(refusal({ name: 'ann', extra: 1 }).message).toBe('Not acceptable: extra.')
  expect(
    refusal({ name: 'ann', [`x${'💔'.repeat(99)}`]: 1 }).errors?.[0]?.field.isWellFormed(),
  ).toBe(true)
})

test('an unknown field is named with where it is', () => {
  const nested = z.object({ to: z.strictObject({}) })
  const problem = attempt(() => parse(nested, { to: { all: 1 } }))
  expect(problem?.errors).toEqual([{ field: 'to.all', message: 'is not a known field' }])
})

test('a field that is wrong in two ways is named once in the sentence', () => {
  const twice = z.object({ word: z.string().min(3).regex(/^a/, 'must begin with an a') })
  const problem = attempt(() => parse(twice, { word: 'b' }))
  expect(problem?.message).toBe('Not acceptable: word.')
  expect(problem?.errors).toHaveLength(2)
})

test.each([[null], [[]], ['text'], [7]])('%j is no object: 400', (input) => {
  expect(refusal(input).status).toBe(400)
})

test('what fits comes through', () => {
  expect(parse(schema, { name: 'ann' })).toEqual({ name: 'ann' })
})
