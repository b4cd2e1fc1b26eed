import type { PackedSpan } from './pack.ts'

/** Search by time walks back from the newest; no row reaches further than this from its start. */
export const presenceMicros = 600_000_000
export const anyService = 0

/** A service was seen in a trace from `started` to `last` (microseconds, both starts of spans). */
export type Presence = { service: number; started: number; last: number }

/**
 * The rows by which a part is found: one for each of its services and one for any, and more only
 * where spans start minutes apart. The same spans give the same rows, so eviction can name them again.
 */
export function presenceOf(
  spans: PackedSpan[],
  serviceOf: (operation: number) => number,
): Presence[] {
  const rows: Presence[] = []
  const open = new Map<number, Presence>()
  const inOrder = spans.toSorted((a, b) => a.start.micros - b.start.micros)
  for (const span of inOrder) {
    for (const service of [anyService, serviceOf(span.operation)]) {
      const row = open.get(service)
      if (row && span.start.micros - row.started < presenceMicros) row.last = span.start.micros
      else {
        const next = { service, started: span.start.micros, last: span.start.micros }
        open.set(service, next)
        rows.push(next)
      }
    }
  }
  return rows
}
