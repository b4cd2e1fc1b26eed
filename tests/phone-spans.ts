import { createBaggageReader } from '@clew/telemetry/baggage'
import { failSpan } from '@clew/telemetry/error'
import { createExport } from '@clew/telemetry/export'
import { newSpanId, newTraceId } from '@clew/telemetry/ids'
import { createRecorder } from '@clew/telemetry/recorder'
import {
  type Attributes,
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { note } from './notes.ts'
import { readPlatform } from './platform.ts'

/** What an event carries in its `_trace`. */
export type Carrier = { traceparent?: string; tracestate?: string; baggage?: string }

/** What a phone says to Clew: begun when it is said, ended by the answer. */
export type Outgoing = {
  traceId: string
  carrier: Carrier
  answered(status: number): void
  unanswered(why: Error): void
}

const propagator = new CompositePropagator({
  propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
})
const readBaggage = createBaggageReader(false)

let recording: ReturnType<typeof startRecording> | undefined

/** Phones are a service of their own, whose spans come in by the way that is open to browsers. */
function startRecording() {
  const exporting = createExport(`${readPlatform().urls.gateway}/otlp`, {
    'service.name': 'phone',
    'service.version': '0.1.0',
    'deployment.environment.name': 'test',
  })
  const provider = createRecorder({ ended: exporting.ended, inherited: readBaggage })
  return { exporting, tracer: provider.getTracer('phone'), noted: 0 }
}

/** @param traced false for a phone that decides that nothing it begins is recorded */
export function recordOutgoing(
  event: string,
  { baggage, traced }: { baggage: string; traced: boolean },
  attributes: Attributes,
): Outgoing {
  recording ??= startRecording()
  const context = contextOf({ baggage, ...(!traced && { traceparent: unsampled() }) })
  const span = recording.tracer.startSpan(
    event,
    {
      kind: SpanKind.CLIENT,
      attributes: { ...describe(event, 'send'), ...attributes },
    },
    context,
  )
  const carrier: Carrier = {}
  propagator.inject(trace.setSpan(context, span), carrier, defaultTextMapSetter)
  return {
    traceId: span.spanContext().traceId,
    carrier,
    answered(status) {
      // As for calls between services: what the phone did wrong is not a fault.
      if (status >= 500) {
        span.setAttribute('error.type', String(status))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    },
    unanswered(why) {
      failSpan(span, why)
      span.end()
    },
  }
}

/** Something that Clew said; nothing is recorded when it does not say in which trace. */
export function recordIncoming(
  event: string,
  carrier: Carrier | undefined,
  attributes: Attributes,
) {
  if (!carrier?.traceparent) return
  recording ??= startRecording()
  const options = {
    kind: SpanKind.CONSUMER,
    attributes: { ...describe(event, 'process'), ...attributes },
  }
  recording.tracer.startSpan(`process ${event}`, options, contextOf(carrier)).end()
}

/** Sends what is not sent yet, and notes how many spans there are, which all must be stored. */
export async function sendPhoneSpans(): Promise<void> {
  if (!recording) return
  const { exporting } = recording
  await exporting.flush()
  // What ended while the last batch was under way.
  await exporting.flush()
  const phoneSpans = exporting.counts.exported - recording.noted
  recording.noted += phoneSpans
  if (phoneSpans > 0) note({ phoneSpans })
}

function contextOf(carrier: Carrier): Context {
  return propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)
}

function describe(event: string, operation: 'send' | 'process'): Attributes {
  return {
    'messaging.system': 'socket.io',
    'messaging.destination.name': event,
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
  }
}

function unsampled(): string {
  return `00-${newTraceId()}-${newSpanId()}-00`
}
