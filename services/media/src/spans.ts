import { failSpan } from '@clew/telemetry/error'
import { context, type Span, type SpanOptions, trace } from '@opentelemetry/api'

const tracer = trace.getTracer('@clew/media')

/** A span around work of our own that nothing else records, such as `check image`. */
export function traceWork<Result>(
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await work(span)
    } catch (error) {
      fail(span, error)
      throw error
    } finally {
      span.end()
    }
  })
}

/** A span that outlives the function that began it: of a stream, say. */
export function openSpan(name: string, options: SpanOptions) {
  const span = tracer.startSpan(name, options)
  return {
    run: <Result>(work: () => Result) => context.with(trace.setSpan(context.active(), span), work),
    setAttribute: (key: string, value: string | number) => void span.setAttribute(key, value),
    fail: (error: unknown) => fail(span, error),
    end: () => span.end(),
  }
}

/** What a caller did wrong is no error of ours; it is told in the answer. */
function fail(span: Span, error: unknown): void {
  const { status, cause } = error as { status?: unknown; cause?: unknown }
  if (typeof status === 'number' && status < 500) return
  failSpan(span, cause ?? error)
}
