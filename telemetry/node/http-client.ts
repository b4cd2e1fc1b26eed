import {
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { failSpan } from './error.ts'
import { mode } from './mode.ts'

export type Call = {
  method: string
  /** The path with names in place of ids, such as `/internal/profiles/{id}`. */
  template: string
  /** The address called, without its query. */
  url: string
  address: string
  port: number
  /** Which retry this is: 0 on the first try. */
  resend: number
  breaker: 'closed' | 'half-open'
}

const tracer = trace.getTracer('@clew/telemetry')

/**
 * Puts a CLIENT span around one outgoing HTTP attempt and hands `send` the headers that carry its
 * context (`traceparent`, `tracestate`, `baggage`). Answers of 500 and above, and throws, mark it as failed.
 * In `auto` mode undici's own instrumentation does both, so `send` gets no headers.
 */
export async function traceCall<Answer extends { status: number }>(
  call: Call,
  send: (headers: Record<string, string>) => Promise<Answer>,
): Promise<Answer> {
  if (mode !== 'lean') return send({})
  const span = tracer.startSpan(`${call.method} ${call.template}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      'http.request.method': call.method,
      'url.template': call.template,
      'url.full': call.url,
      'server.address': call.address,
      'server.port': call.port,
      ...(call.resend > 0 && {
        'http.request.resend_count': call.resend,
        'clew.retry.count': call.resend,
      }),
      ...(call.breaker !== 'closed' && { 'clew.breaker.state': call.breaker }),
    },
  })
  const headers: Record<string, string> = {}
  const active = trace.setSpan(context.active(), span)
  propagation.inject(active, headers)
  try {
    const answer = await send(headers)
    markAnswer(span, answer.status)
    return answer
  } catch (error) {
    failSpan(span, error)
    throw error
  } finally {
    span.end()
  }
}

// By the conventions a client span is in error from 400 on; a 404 or 409 that the caller expects
// would then read as a fault, so only 5xx marks it here, as on the server's side.
function markAnswer(span: Span, status: number) {
  span.setAttribute('http.response.status_code', status)
  if (status < 500) return
  span.setAttribute('error.type', String(status))
  span.setStatus({ code: SpanStatusCode.ERROR })
}
