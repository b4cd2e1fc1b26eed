import { type Attributes, type Context, propagation } from '@opentelemetry/api'

/** Baggage that may come in from outside and is written on every span below. */
const allowed = ['session.id', 'clew.run', 'clew.scenario', 'clew.synthetic']

/** Reads, from a context, the attributes that each span below it gets; `clew.fault` in workshop mode only. */
export function createBaggageReader(
  workshop: boolean,
): (parent: Context) => Attributes | undefined {
  const keys = workshop ? [...allowed, 'clew.fault'] : allowed
  return (parent) => {
    const baggage = propagation.getBaggage(parent)
    if (!baggage) return undefined
    const attributes: Attributes = {}
    for (const key of keys) {
      const entry = baggage.getEntry(key)
      if (entry) attributes[key] = entry.value
    }
    return attributes
  }
}
