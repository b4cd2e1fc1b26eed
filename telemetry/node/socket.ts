import {
  type Baggage,
  type Context,
  context,
  propagation,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
} from '@opentelemetry/api'
import { failSpan } from './error.ts'
import type { Carrier } from './events.ts'
import { incomingContext } from './incoming.ts'
import { withSpan } from './span-context.ts'

export type SocketEvent = {
  name: string
  /** What the client sent as `_trace`, unchecked: what makes no sense is ignored. */
  carrier?: unknown
  /** Who sent it, as far as that is known. */
  userId?: string
  /** A span this one belongs to without being part of it, such as that of the connection. */
  link?: SpanContext | undefined
}

const tracer = trace.getTracer('@clew/telemetry')
// Those, and so written, that NGINX lets in with a request.
const allowed = new Set(['session.id', 'clew.run', 'clew.scenario', 'clew.synthetic', 'clew.fault'])
const plain = /^[\w.:~-]{1,128}$/
const longestState = 512

/**
 * Puts a SERVER span around what one event of a client causes, in the trace that the event itself
 * brings: a socket outlives every trace, so its own requests and headers cannot carry one.
 * These spans are ours in every mode: the community's instrumentation knows no context in events.
 */
export async function traceSocketEvent<Result>(
  event: SocketEvent,
  handle: (span: Span) => Promise<Result>,
): Promise<Result> {
  const parent = contextOf(event.carrier)
  const span = tracer.startSpan(
    event.name,
    {
      kind: SpanKind.SERVER,
      attributes: { ...describe(event.name), ...(event.userId && { 'user.id': event.userId }) },
      ...(event.link && { links: [{ context: event.link }] }),
    },
    parent,
  )
  try {
    return await context.with(withSpan(parent, span), handle, undefined, span)
  } catch (error) {
    failSpan(span, error)
    throw error
  } finally {
    span.end()
  }
}

/**
 * Puts one PRODUCER span around an event that goes to some number of sockets, and hands `emit` the
 * `_trace` that all of them get; undefined when nothing is traced.
 */
export function traceEmission(
  name: string,
  sockets: number,
  emit: (carrier: Carrier | undefined) => void,
): void {
  const span = tracer.startSpan(`publish ${name}`, {
    kind: SpanKind.PRODUCER,
    attributes: {
      ...describe(name),
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.batch.message_count': sockets,
    },
  })
  const active = withSpan(context.active(), span)
  const carrier: Carrier = {}
  propagation.inject(active, carrier)
  try {
    context.with(active, emit, undefined, carrier.traceparent ? carrier : undefined)
  } catch (error) {
    failSpan(span, error)
    throw error
  } finally {
    span.end()
  }
}

function describe(name: string) {
  return { 'messaging.system': 'socket.io', 'messaging.destination.name': name }
}

function contextOf(carrier: unknown): Context {
  const { traceparent, tracestate, baggage } = (carrier ?? {}) as Record<string, unknown>
  const headers: Record<string, string> = {}
  if (typeof traceparent === 'string') headers.traceparent = traceparent
  if (typeof tracestate === 'string' && tracestate.length <= longestState) {
    headers.tracestate = tracestate
  }
  if (typeof baggage === 'string') headers.baggage = baggage
  const parent = incomingContext(headers)
  const carried = propagation.getBaggage(parent)
  return carried ? propagation.setBaggage(parent, filter(carried)) : parent
}

function filter(baggage: Baggage): Baggage {
  const kept = baggage
    .getAllEntries()
    .filter(([key, { value }]) => allowed.has(key) && plain.test(value))
    .map(([key, { value }]) => [key, { value }] as const)
  return propagation.createBaggage(Object.fromEntries(kept))
}
