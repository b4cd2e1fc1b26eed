import { z } from 'zod'
import { Problem } from './problem.ts'

/**
 * Parses input from outside (a body, a query, path parameters).
 * @throws Problem 422 with one `errors` entry per field at fault; 400 when the input is no object at all
 */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw new Problem(400, 'The body must be a JSON object.')
  }
  const errors = result.error.issues.flatMap(fieldErrors)
  throw new Problem(422, `Not acceptable: ${errors.map((error) => error.field).join(', ')}.`, {
    errors,
  })
}

/** Text of a given length in UTF-16 units, as `string.length` counts, without the null byte that Postgres cannot store. */
export function text(min: number, max: number) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((value) => !value.includes('\0'), 'must not contain a null byte')
}

function fieldErrors(issue: z.core.$ZodIssue) {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: key, message: 'is not a known field' }))
  }
  const absent = issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
  const message = absent ? 'is required' : issue.message
  return [{ field: issue.path.join('.'), message }]
}
