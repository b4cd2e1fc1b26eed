import { z } from 'zod'

/** The body of every answer that is no success (RFC 9457), for OpenAPI documents. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    trace_id: z.string().optional(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' })

/** What `/livez` and `/readyz` answer; only the latter names its checks. */
export const health = z
  .object({ status: z.string(), checks: z.record(z.string(), z.string()).optional() })
  .meta({ id: 'Health' })
