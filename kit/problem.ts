import { isSpanContextValid, trace } from '@opentelemetry/api'

export type FieldError = { field: string; message: string }

export type ProblemBody = {
  type: string
  title: string
  status: number
  detail: string
  trace_id?: string
  errors?: FieldError[]
}

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** An answer other than success, as RFC 9457 describes it. Thrown in routes and stores, written by the one error edge. */
export class Problem extends Error {
  override name = 'Problem'
  readonly status: number
  readonly errors: FieldError[] | undefined
  readonly headers: Record<string, string>

  constructor(
    status: number,
    detail: string,
    options: { errors?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause })
    this.status = status
    this.errors = options.errors
    this.headers = options.headers ?? {}
  }
}

/**
 * Turns anything thrown into a Problem. What is not a Problem, and not a framework's own 4xx error
 * (a number in `status` or `statusCode`), becomes a blank 500 that keeps the original as its cause.
 */
export function toProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  const status = clientErrorStatus(thrown)
  if (status)
    return new Problem(status, titles[status] ?? 'The request was refused.', { cause: thrown })
  return new Problem(500, 'Something went wrong on our side.', { cause: thrown })
}

/** The body of the answer; `trace_id` is that of the active span. */
export function problemBody(problem: Problem): ProblemBody {
  const context = trace.getActiveSpan()?.spanContext()
  return {
    type: 'about:blank',
    title: titles[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.message,
    ...(context && isSpanContextValid(context) && { trace_id: context.traceId }),
    ...(problem.errors && { errors: problem.errors }),
  }
}

function clientErrorStatus(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined
  const { status, statusCode } = thrown as { status?: unknown; statusCode?: unknown }
  const found = typeof status === 'number' ? status : statusCode
  return typeof found === 'number' && found >= 400 && found < 500 ? found : undefined
}
