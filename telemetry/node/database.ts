import { type Attributes, context, SpanKind, trace } from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'
import { failSpan } from './error.ts'
import { mode } from './mode.ts'

/** One logical operation on a database, described once and reused for each run of it. */
export type Operation = { name: string; attributes: Attributes }

const tracer = trace.getTracer('@clew/telemetry')

/**
 * Puts a CLIENT span around one logical database operation: a statement, a command or a pipeline.
 * Work that belongs to no request (a relay's polling, a migration) runs with tracing suppressed and
 * leaves none. `outcome` names the attributes that only the result knows, such as rows or a cache hit.
 */
export async function traceOperation<Result>(
  operation: Operation,
  run: () => Promise<Result>,
  outcome?: (result: Result) => Attributes,
): Promise<Result> {
  if (mode !== 'lean' || isTracingSuppressed(context.active())) return run()
  const span = tracer.startSpan(operation.name, {
    kind: SpanKind.CLIENT,
    attributes: operation.attributes,
  })
  try {
    const result = await run()
    if (outcome) span.setAttributes(outcome(result))
    return result
  } catch (error) {
    failSpan(span, error)
    const code = (error as { code?: unknown } | null)?.code
    if (typeof code === 'string') span.setAttribute('db.response.status_code', code)
    throw error
  } finally {
    span.end()
  }
}
