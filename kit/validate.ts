import { z } from 'zod'
import { Problem } from './problem.ts'

// An answer is not to grow with what was asked: whoever asks may have made up the names, too.
const mostErrors = 20
const longestField = 100

/**
 * Parses input from outside (a body, a query, path parameters).
 * @throws Problem 422 with one `errors` entry per field at fault, up to 20; 400 when the input is no
 *   object at all
 */
export function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input, { error: say })
  if (result.success) return result.data
  if (input === null || typeof input !== 'object' || Array.isArray(input)) {
    throw new Problem(400, 'The body must be a JSON object.')
  }
  const found = withoutFollowing(result.error.issues).flatMap(fieldErrors)
  const errors = found.slice(0, mostErrors)
  const fields = new Set(errors.map((error) => error.field))
  const rest = found.length > mostErrors ? ', and more' : ''
  throw new Problem(422, `Not acceptable: ${[...fields].join(', ')}${rest}.`, { errors })
}

/** Text of a given length in UTF-16 units, as `string.length` counts, without the null byte that Postgres cannot store. */
export function text(min: number, max: number) {
  return z
    .string()
    .min(min)
    .max(max)
    .refine((value) => !value.includes('\0'), 'must not contain a null byte')
}

/** What is of the wrong kind is not measured too, though Zod does where both kinds have a length. */
function withoutFollowing(issues: z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const misfits = new Set<string>()
  return issues.filter(({ code, path }) => {
    const field = path.join('.')
    if (misfits.has(field)) return false
    if (code === 'invalid_type') misfits.add(field)
    return true
  })
}

function fieldErrors(issue: z.core.$ZodIssue) {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: nameOf([...issue.path, key]),
      message: 'is not a known field',
    }))
  }
  return [{ field: nameOf(issue.path), message: issue.message }]
}

function nameOf(path: PropertyKey[]): string {
  const name = path.join('.')
  return name.length > longestField ? `${name.slice(0, longestField).toWellFormed()}…` : name
}

/** What is wrong, so that it can follow the field's name. A schema's own message goes before it. */
function say(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const kind = kinds[issue.expected]
      return issue.input === undefined ? 'is required' : kind && `must be ${kind}`
    }
    case 'too_small':
      return `must ${measure(issue.origin, 'at least', issue.minimum)}`
    case 'too_big':
      return `must ${measure(issue.origin, 'at most', issue.maximum)}`
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_format': {
      const format = formats[issue.format]
      return format && `must be ${format}`
    }
  }
  return undefined
}

function measure(origin: string, limit: string, value: number | bigint): string {
  if (origin === 'string')
    return `have ${limit} ${value} ${value === 1 ? 'character' : 'characters'}`
  if (origin === 'array') return `have ${limit} ${value} ${value === 1 ? 'entry' : 'entries'}`
  return `be ${limit} ${value}`
}

const kinds: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

const formats: Record<string, string> = {
  uuid: 'a UUID',
  email: 'an e-mail address',
  url: 'an address',
  datetime: 'a time as in RFC 3339',
}
