import { expect } from 'vitest'
import type { Answer } from './answer.ts'

/** Holds an answer to what everybody is told while a part that it needs is away. */
export function expectAway({ status, headers, body, traceId }: Answer): void {
  expect(status).toBe(503)
  expect(headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  expect(body).toMatchObject({ status: 503, trace_id: traceId })
}
