import { type Context, propagation } from '@opentelemetry/api'
import type { Span, SpanProcessor } from '@opentelemetry/sdk-trace'

/** Baggage that may come in from outside and is written on every span below. */
export const allowedBaggage = ['session.id', 'clew.run', 'clew.scenario', 'clew.synthetic'] as const

/** Copies allowed baggage to spans as they start; `clew.fault` too, in workshop mode. */
export function createBaggageProcessor(workshop: boolean): SpanProcessor {
  const allowed: readonly string[] = workshop ? [...allowedBaggage, 'clew.fault'] : allowedBaggage
  return {
    onStart(span: Span, parent: Context) {
      const baggage = propagation.getBaggage(parent)
      if (!baggage) return
      for (const key of allowed) {
        const entry = baggage.getEntry(key)
        if (entry) span.setAttribute(key, entry.value)
      }
    },
    onEnd() {},
    forceFlush: async () => {},
    shutdown: async () => {},
  }
}
