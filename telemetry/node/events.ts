import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from '@opentelemetry/api'
import { failSpan } from './error.ts'

/** The context an event carries in its own fields, as W3C headers. */
export type Carrier = { traceparent?: string; tracestate?: string; baggage?: string }
export type EventFacts = {
  /** The stream, or the channel. */
  stream: string
  type: string
  id?: string | undefined
  /** What carries it. */
  system?: 'redis_streams' | 'redis_pubsub'
}

const tracer = trace.getTracer('@clew/telemetry')

/**
 * Puts a PRODUCER span where a fact is recorded, and hands `record` the context to store with it.
 * These spans are ours in every mode: no community instrumentation knows our events.
 */
export async function tracePublish<Result>(
  event: EventFacts,
  record: (carrier: Carrier) => Promise<Result>,
): Promise<Result> {
  const span = tracer.startSpan(`publish ${event.stream}`, {
    kind: SpanKind.PRODUCER,
    attributes: {
      ...describeEvent(event),
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
    },
  })
  const active = trace.setSpan(context.active(), span)
  const carrier: Carrier = {}
  propagation.inject(active, carrier)
  try {
    return await context.with(active, record, undefined, carrier)
  } catch (error) {
    failSpan(span, error)
    throw error
  } finally {
    span.end()
  }
}

/**
 * Puts a CONSUMER span around the handling of one event. With `relation` `child` it continues the
 * producer's trace: right where exactly one consumer finishes the request's work. With `link` it is
 * a trace of its own that points back: right where several consumers each do their own work.
 */
export async function traceProcess<Result>(
  event: EventFacts & { group?: string; carrier: Carrier; relation: 'child' | 'link' },
  handle: () => Promise<Result>,
): Promise<Result> {
  const producer = propagation.extract(ROOT_CONTEXT, event.carrier)
  const produced = trace.getSpanContext(producer)
  const parent: Context = event.relation === 'child' ? producer : trace.deleteSpan(producer)
  const span = tracer.startSpan(
    `process ${event.stream}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: {
        ...describeEvent(event),
        'messaging.operation.name': 'process',
        'messaging.operation.type': 'process',
        ...(event.group && { 'messaging.consumer.group.name': event.group }),
      },
      ...(event.relation === 'link' && produced && { links: [{ context: produced }] }),
    },
    parent,
  )
  try {
    return await context.with(trace.setSpan(parent, span), handle)
  } catch (error) {
    failSpan(span, error)
    throw error
  } finally {
    span.end()
  }
}

function describeEvent(event: EventFacts) {
  return {
    'messaging.system': event.system ?? 'redis_streams',
    'messaging.destination.name': event.stream,
    ...(event.id && { 'messaging.message.id': event.id }),
    'clew.event.type': event.type,
  }
}
