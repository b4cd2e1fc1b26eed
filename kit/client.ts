import { traceCall } from '@clew/telemetry/http-client'
import { trace } from '@opentelemetry/api'
import {
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleAll,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  wrap,
} from 'cockatiel'
import { Pool } from 'undici'
import { Problem, type ProblemBody } from './problem.ts'

export type Request = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** The path with names in place of ids, for the span: `/internal/profiles/{id}`. */
  template: string
  /** The path itself; the template when absent. */
  path?: string
  /** Sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
  /** Safe to send again. True for GET, PUT and DELETE unless said otherwise. */
  idempotent?: boolean
  /** For all tries together, in milliseconds. */
  withinMs?: number
}
export type Answer<Body> = { status: number; body: Body }
export type Client = AsyncDisposable & {
  /** @throws Problem 503 when the neighbour cannot be reached in time or fails; its own problem for 4xx answers */
  request<Body>(request: Request): Promise<Answer<Body>>
}

const tries = 3
const atOnce = 32
const waiting = 64

/**
 * Calls one neighbour over kept-alive connections: a deadline for every call, retries with jitter for
 * what is idempotent, a breaker that stops calling for a second after five failures in a row, and a
 * bulkhead: at most 32 calls at once and 64 waiting, so that a slow neighbour cannot hold everything.
 */
export function createClient(neighbour: string, origin: string, defaultMs = 1_000): Client {
  const pool = new Pool(origin, { connections: atOnce, connect: { timeout: 1_000 } })
  const { hostname, port } = new URL(origin)
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: 1_000,
    breaker: new ConsecutiveBreaker(5),
  })
  const guard = wrap(bulkhead(atOnce, waiting), breaker)

  async function attempt<Body>(
    request: Request,
    deadline: number,
    resend: number,
  ): Promise<Answer<Body>> {
    const path = request.path ?? request.template
    const call = {
      method: request.method,
      template: request.template,
      url: origin + path.split('?')[0],
      address: hostname,
      port: Number(port || 80),
      resend,
      breaker:
        breaker.state === CircuitState.HalfOpen ? ('half-open' as const) : ('closed' as const),
    }
    return traceCall(call, async (headers) => {
      const remaining = Math.max(1, Math.ceil(deadline - performance.now()))
      const answer = await pool.request({
        method: request.method,
        path,
        headers: { 'content-type': 'application/json', ...request.headers, ...headers },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: AbortSignal.timeout(remaining),
      })
      const text = await answer.body.text()
      return { status: answer.statusCode, body: (text ? JSON.parse(text) : undefined) as Body }
    })
  }

  async function request<Body>(request: Request): Promise<Answer<Body>> {
    const deadline = performance.now() + (request.withinMs ?? defaultMs)
    const mayRepeat = request.idempotent ?? request.method !== 'POST'
    for (let resend = 0; ; resend++) {
      try {
        const answer = await guard.execute(async () => {
          const answer = await attempt<Body>(request, deadline, resend)
          if (answer.status >= 500) throw new Fault(answer.status)
          return answer
        })
        if (answer.status >= 400) throw refused(neighbour, answer)
        return answer
      } catch (error) {
        if (error instanceof Problem) throw error
        if (isBrokenCircuitError(error)) {
          trace.getActiveSpan()?.setAttribute('clew.breaker.state', 'open')
          throw away(neighbour, error)
        }
        if (isBulkheadRejectedError(error)) {
          trace.getActiveSpan()?.setAttribute('clew.bulkhead.full', true)
          throw away(neighbour, error)
        }
        const waitMs = 25 * 2 ** resend * (0.5 + Math.random())
        const another = mayRepeat && resend + 1 < tries && performance.now() + waitMs < deadline
        if (!another) throw away(neighbour, error)
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
  }
  return { request, [Symbol.asyncDispose]: () => pool.destroy() }
}

/** The neighbour answered with 5xx. */
class Fault extends Error {
  override name = 'Fault'
  constructor(status: number) {
    super(`answered ${status}`)
  }
}

function refused(neighbour: string, answer: Answer<unknown>): Problem {
  const body = answer.body as Partial<ProblemBody> | undefined
  const detail = body?.detail ?? `${neighbour} answered ${answer.status}.`
  return new Problem(answer.status, detail, body?.errors ? { errors: body.errors } : {})
}

function away(neighbour: string, cause: unknown): Problem {
  return new Problem(503, `${neighbour} cannot be reached right now. Try again in a moment.`, {
    headers: { 'retry-after': '1' },
    cause,
  })
}
