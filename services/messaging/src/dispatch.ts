import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@clew/kit/log'
import { Problem, problemBody, toProblem } from '@clew/kit/problem'
import { parse } from '@clew/kit/validate'
import { recordException } from '@clew/telemetry/error'
import { traceSocketEvent } from '@clew/telemetry/socket'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'
import { isSlow } from './closing.ts'
import type { Connections, LiveSocket } from './connections.ts'
import type { Handler } from './handlers/handler.ts'
import { takeEvent } from './limits.ts'

type Deps = {
  handlers: Record<string, Handler>
  connections: Connections
  metrics: Metrics
  log: Logger
}
type Ack = (answer: object) => void
export type Dispatch = ReturnType<typeof createDispatch>

const drainMs = 2_000

/**
 * Brings a client's event to its handler, and the outcome back: by the acknowledgement, or without
 * one a problem as an event. The one error edge of live events: whatever a client sends, and
 * whatever goes wrong, is an answer.
 */
export function createDispatch({ handlers, connections, metrics, log }: Deps) {
  let underWay = 0
  let stopping = false

  async function answer(socket: LiveSocket, name: string, args: unknown[]): Promise<void> {
    const ack = typeof args.at(-1) === 'function' ? (args.pop() as Ack) : undefined
    const [payload] = args
    const refuse = (problem: Problem) => {
      const error = problemBody(problem)
      if (ack) ack({ error })
      else socket.emit('problem', { event: name, error })
    }
    try {
      if (stopping) throw new Problem(503, 'This instance stops. Connect again.')
      takeEvent(socket.data, name)
    } catch (thrown) {
      return refuse(toProblem(thrown))
    }
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
    const known = handler ? name : 'unknown event'
    const carrier = (payload as { _trace?: unknown } | null | undefined)?._trace
    const started = performance.now()
    await traceSocketEvent({ name: known, carrier, userId: socket.data.userId }, async () => {
      let status = 200
      try {
        const result = await handle(handler, socket, args, ack !== undefined)
        ack?.(result)
      } catch (thrown) {
        const problem = toProblem(thrown)
        status = problem.status
        report(problem, known)
        refuse(problem)
      }
      const ms = performance.now() - started
      metrics.timing('event.duration', ms, { event: known, status: String(status) })
    })
  }

  function report(problem: Problem, event: string): void {
    trace.getActiveSpan()?.setAttribute('clew.problem.status', problem.status)
    if (problem.status < 500) return
    const cause = problem.cause ?? problem
    recordException(cause)
    log.error({ err: cause, event, status: problem.status }, 'event failed')
  }

  return {
    async event(socket: LiveSocket, name: string, args: unknown[]): Promise<void> {
      underWay++
      try {
        // Whoever sends without reading makes answers pile up.
        if (isSlow(socket)) return connections.drop(socket)
        await answer(socket, name, args)
      } catch (error) {
        log.error({ err: error }, 'event not answered')
      } finally {
        underWay--
      }
    },
    /** From now on events are refused. Returns when those under way are answered, or after 2 s. */
    async stop(): Promise<void> {
      stopping = true
      const end = performance.now() + drainMs
      while (underWay > 0 && performance.now() < end) await sleep(10)
    },
  }
}

async function handle(
  handler: Handler | undefined,
  socket: LiveSocket,
  args: unknown[],
  answered: boolean,
): Promise<object> {
  if (!handler) throw new Problem(404, 'There is no such event.')
  if (handler.answers && !answered) throw new Problem(422, 'It needs an acknowledgement.')
  const [payload, ...more] = args
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload) || more.length) {
    const errors = [{ field: '', message: 'must be one object' }]
    throw new Problem(422, 'An event carries one object.', { errors })
  }
  return handler.handle(socket, parse(handler.schema, payload))
}
