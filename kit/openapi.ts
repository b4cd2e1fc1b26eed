import type { z } from 'zod'
import { health, problem } from './schemas.ts'

/** Content of this shape, of a request or an answer, for OpenAPI documents. */
export function json(schema: z.ZodType) {
  return { content: { 'application/json': { schema } } }
}

/** What a request must carry. */
export function body(schema: z.ZodType) {
  return { required: true, ...json(schema) }
}

export function answer(description: string, schema: z.ZodType) {
  return { description, ...json(schema) }
}

/**
 * What a route answers.
 * @param status of the answer when all is well
 * @param problems statuses of its refusals
 */
export function answers(status: number, schema: z.ZodType, problems: number[]) {
  return { [status]: answer('Done', schema), ...refusals(problems) }
}

/** Problems (RFC 9457) by status, for a route whose good answers are described by themselves. */
export function refusals(problems: number[]) {
  const content = { 'application/problem+json': { schema: problem } }
  return Object.fromEntries(problems.map((code) => [code, { description: 'A problem', content }]))
}

/** The paths that every service has. */
export const operations = {
  '/openapi.json': {
    get: { summary: 'This document', responses: { 200: { description: 'OpenAPI 3.1' } } },
  },
  '/livez': {
    get: { summary: 'The process turns', responses: answers(200, health, []) },
  },
  '/readyz': {
    get: {
      summary: 'Requests can be served',
      responses: { ...answers(200, health, []), 503: answer('Not now', health) },
    },
  },
}
