import type { TracerProvider } from '@opentelemetry/api'
import { getNodeAutoInstrumentations } from '@opentelemetry/auto-instrumentations-node'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { type ReadableSpan, TracerProvider as StockProvider } from '@opentelemetry/sdk-trace'
import { register } from 'import-in-the-middle/register-hooks.mjs'
import { createBaggageReader } from './baggage.ts'
import type { EndedSpan } from './ended-span.ts'
import type { Export } from './export.ts'
import { isUntraced } from './untraced.ts'

/**
 * What most projects load: every community instrumentation, with its defaults. Left out are only
 * those that would trace our own health checks, or the process's file reads.
 */
export function registerAuto(): void {
  register()
  registerInstrumentations({
    instrumentations: getNodeAutoInstrumentations({
      '@opentelemetry/instrumentation-fs': { enabled: false },
      '@opentelemetry/instrumentation-http': {
        ignoreIncomingRequestHook: (request) => isUntraced(request.url),
      },
      // It carries no context from or to the client; our own spans of live events do, in every mode.
      '@opentelemetry/instrumentation-socket.io': { enabled: false },
    }),
  })
}

/** The stock SDK, sending through the same exporter as `lean`, so that the two can be compared. */
export function createStockProvider(exporting: Export, workshop: boolean): TracerProvider {
  const readBaggage = createBaggageReader(workshop)
  return new StockProvider({
    spanProcessors: [
      {
        onStart: (span, parent) => void span.setAttributes(readBaggage(parent) ?? {}),
        onEnd: (span) => exporting.ended(toEnded(span)),
        forceFlush: exporting.flush,
        shutdown: exporting.close,
      },
    ],
  })
}

function toEnded(span: ReadableSpan): EndedSpan {
  return {
    context: span.spanContext(),
    parent: span.parentSpanContext,
    name: span.name,
    kind: span.kind,
    startNanos: nanos(span.startTime),
    endNanos: nanos(span.endTime),
    attributes: span.attributes,
    events: span.events.map((event) => ({
      name: event.name,
      timeNanos: nanos(event.time),
      attributes: event.attributes ?? {},
    })),
    links: span.links,
    status: span.status,
  }
}

function nanos([seconds, nano]: ReadableSpan['startTime']): string {
  return `${seconds}${String(nano).padStart(9, '0')}`
}
