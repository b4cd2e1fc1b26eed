import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import {
  context,
  type ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { incomingContext } from './incoming.ts'
import { mode } from './mode.ts'
import { routeFor } from './route.ts'
import { withSpan } from './span-context.ts'
import { isUntraced, runUntraced } from './untraced.ts'

/** What is known of a request once it was answered. `route` is absent when none matched. */
export type Answered = { method: string; route: string | undefined; status: number; ms: number }

const tracer = trace.getTracer('@clew/telemetry')
// As NGINX logs it.
const clientGone = 499
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Puts one SERVER span around a Node HTTP listener, whatever framework is inside, and returns the
 * trace to the caller in `traceresponse` and `X-Trace-Id`. The span ends when the answer is out or
 * the client has gone. `answered` is called for each request but health checks, traced or not.
 */
export function traceRequests(
  listener: RequestListener,
  answered: (request: Answered) => void = () => {},
): RequestListener {
  return (request, response) => {
    if (isUntraced(request.url)) return runUntraced(() => listener(request, response))
    const method = methods.has(request.method ?? '') ? (request.method as string) : '_OTHER'
    const started = performance.now()
    const report = () =>
      answered({
        method,
        route: routeFor(request),
        // Without headers there was no answer: the client had gone.
        status: response.headersSent ? response.statusCode : clientGone,
        ms: performance.now() - started,
      })
    if (mode !== 'lean') {
      response.once('close', report)
      returnTrace(response, trace.getActiveSpan())
      return listener(request, response)
    }
    const parent = incomingContext(request.headers)
    const span = startSpan(request, method, parent)
    response.once('close', () => {
      endSpan(span, request, response, method)
      report()
    })
    returnTrace(response, span)
    return context.with(withSpan(parent, span), listener, undefined, request, response)
  }
}

function startSpan(request: IncomingMessage, method: string, parent: typeof ROOT_CONTEXT): Span {
  const url = request.url ?? '/'
  const query = url.indexOf('?')
  return tracer.startSpan(
    method === '_OTHER' ? 'HTTP' : method,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': method,
        'url.path': query < 0 ? url : url.slice(0, query),
        'url.scheme': 'http',
      },
    },
    parent,
  )
}

function endSpan(span: Span, request: IncomingMessage, response: ServerResponse, method: string) {
  const route = routeFor(request)
  if (route) {
    span.updateName(`${method} ${route}`)
    span.setAttribute('http.route', route)
  }
  if (response.headersSent) span.setAttribute('http.response.status_code', response.statusCode)
  if (response.statusCode >= 500) {
    span.setAttribute('error.type', String(response.statusCode))
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end()
}

function returnTrace(response: ServerResponse, span: Span | undefined) {
  if (!span) return
  const { traceId, spanId, traceFlags } = span.spanContext()
  response.setHeader('traceresponse', `00-${traceId}-${spanId}-0${traceFlags.toString(16)}`)
  response.setHeader('X-Trace-Id', traceId)
}
