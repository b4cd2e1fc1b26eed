import { scan } from '../store/pack.ts'
import { textOf } from './attributes.ts'
import { spanMatcher } from './match.ts'
import type { TraceQuery } from './parameters.ts'
import type { Reader } from './reader.ts'
import { parseTexts } from './texts.ts'

/** Numbers of the traces in which one span meets all of the query, the most recently seen first. */
export function searchTraces(reader: Reader, query: TraceQuery): number[] {
  const service = query.service === undefined ? undefined : reader.serviceNo(query.service)
  if (query.service !== undefined && service === undefined) return []
  const matches = createMatcher(reader, query, service)
  const seen = new Set<number>()
  const found: number[] = []
  for (const { trace, started } of reader.presence(service, query.from, query.before)) {
    if (seen.has(trace)) continue
    seen.add(trace)
    if (!matches(trace, started)) continue
    found.push(trace)
    if (found.length >= query.limit) break
  }
  return found
}

function createMatcher(reader: Reader, query: TraceQuery, service: number | undefined) {
  const { operation, from, before, shortest, longest, attributes } = query
  const operations = reader.operationNos(service, operation)
  const anyDuration = shortest === Number.NEGATIVE_INFINITY && longest === Number.POSITIVE_INFINITY
  const matchesPack = (pack: Uint8Array) =>
    scan(
      pack,
      (of, start, micros) =>
        start >= from &&
        start < before &&
        micros >= shortest &&
        micros <= longest &&
        (operations === undefined || operations.has(of)),
    )
  const matchesSpan = spanMatcher(query)
  // Most of a store is ruled out by looking for the longest value in the text, which is quick.
  const rarest = attributes
    .filter(([key]) => !['error', 'span.kind', 'span.status'].includes(key))
    .map(([, value]) => textOf(value))
    .toSorted((a, b) => b.length - a.length)[0]

  return (trace: number, started: number): boolean => {
    // The first span of a presence row is in the window unless the row reaches back before it.
    if (operation === undefined && anyDuration && attributes.length === 0 && started >= from) {
      return true
    }
    if (attributes.length === 0) return reader.packs(trace).some(matchesPack)
    return reader.parts(trace).some(({ pack, spans }) => {
      if (rarest && !Buffer.from(spans.buffer, spans.byteOffset, spans.length).includes(rarest)) {
        return false
      }
      return matchesPack(pack) && parseTexts([spans]).some(matchesSpan)
    })
  }
}
