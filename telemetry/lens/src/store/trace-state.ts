import type { Dictionary } from './dictionary.ts'
import { isBefore, nanosOf } from './instant.ts'
import type { Instant, PackedSpan } from './pack.ts'

type Share = { spans: number; errors: number }
type Orphan = { service: number; operation: number; start: Instant }
type Root = { operation: number; start: Instant }

/** What must be known of a trace while more of it may come. It can be rebuilt from its packs. */
export type TraceState = {
  no: number
  id: string
  /** The service with most of its spans: the trace counts against that service's share. */
  owner: number
  parts: number
  bytes: number
  /** What its row in the database says, once it has one. */
  saved: { bytes: number } | undefined
  /** Part of it was evicted before, so it can never be whole. */
  incomplete: boolean
  /** Each span's service, by span id. */
  spans: Map<string, number>
  /** Spans whose parent has not come, by the parent's id. */
  orphans: Map<string, Orphan[]>
  services: Map<number, Share>
  root: Root | undefined
  start: Instant | undefined
  end: Instant | undefined
  /** Spans without a time, or that end before they start: shown as they came, and counted. */
  oddTimes: number
}

export type OnCall = (parent: number, child: number, start: Instant) => void

export function createTraceState(no: number, id: string, incomplete: boolean): TraceState {
  return {
    no,
    id,
    owner: 0,
    parts: 0,
    bytes: 0,
    saved: undefined,
    incomplete,
    spans: new Map(),
    orphans: new Map(),
    services: new Map(),
    root: undefined,
    start: undefined,
    end: undefined,
    oddTimes: 0,
  }
}

/**
 * Takes a span in, whatever came before or comes after it. `onCall` hears of each pair of parent and
 * child in different services once both are here.
 */
export function addSpan(
  state: TraceState,
  span: PackedSpan,
  service: number,
  onCall?: OnCall,
): void {
  state.spans.set(span.id, service)
  countShare(state, service, span.error)
  if (span.parent) findParent(state, span, service, onCall)
  else if (!state.root || isBefore(span.start, state.root.start)) state.root = span
  adoptOrphans(state, span, service, onCall)
  if (span.start.micros === 0 || isBefore(span.end, span.start)) state.oddTimes++
  if (span.start.micros === 0) return
  if (!state.start || isBefore(span.start, state.start)) state.start = span.start
  if (!state.end || isBefore(state.end, span.end)) state.end = span.end
}

function countShare(state: TraceState, service: number, error: boolean): void {
  let share = state.services.get(service)
  if (!share) {
    share = { spans: 0, errors: 0 }
    state.services.set(service, share)
  }
  share.spans++
  if (error) share.errors++
}

function findParent(state: TraceState, span: PackedSpan, service: number, onCall?: OnCall): void {
  const parent = state.spans.get(span.parent)
  if (parent === undefined) {
    const orphan = { service, operation: span.operation, start: span.start }
    const waiting = state.orphans.get(span.parent)
    if (waiting) waiting.push(orphan)
    else state.orphans.set(span.parent, [orphan])
  } else if (parent !== service) onCall?.(parent, service, span.start)
}

function adoptOrphans(state: TraceState, span: PackedSpan, service: number, onCall?: OnCall): void {
  if (state.orphans.size === 0) return
  const waiting = state.orphans.get(span.id)
  if (!waiting) return
  state.orphans.delete(span.id)
  for (const orphan of waiting) {
    if (orphan.service !== service) onCall?.(service, orphan.service, orphan.start)
  }
}

export function ownerOf(state: TraceState): number {
  let owner = 0
  let most = 0
  for (const [service, { spans }] of state.services) {
    if (spans > most) {
      owner = service
      most = spans
    }
  }
  return owner
}

/**
 * The trace as `/api/v3/trace-summaries` shows it, as JSON text. `incomplete` and `oddTimeSpanCount`
 * are lens' own and present only where there is something to say.
 */
export function summarise(state: TraceState, dictionary: Dictionary): string {
  const root = state.root ?? earliestOrphan(state)
  const operation = root && dictionary.operationOf(root.operation)
  const orphans = [...state.orphans.values()].reduce((sum, waiting) => sum + waiting.length, 0)
  const services = [...state.services]
    .map(([no, { spans, errors }]) => ({
      name: dictionary.serviceName(no),
      spanCount: spans,
      errorSpanCount: errors,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return JSON.stringify({
    traceId: state.id,
    rootServiceName: operation ? dictionary.serviceName(operation.service) : '',
    rootOperationName: operation?.name ?? '',
    minStartTimeUnixNano: state.start && nanosOf(state.start),
    maxEndTimeUnixNano: state.end && nanosOf(state.end),
    spanCount: state.spans.size,
    errorSpanCount: services.reduce((sum, service) => sum + service.errorSpanCount, 0),
    orphanSpanCount: orphans,
    services,
    ...(state.incomplete && { incomplete: true }),
    ...(state.oddTimes > 0 && { oddTimeSpanCount: state.oddTimes }),
  })
}

function earliestOrphan(state: TraceState): Root | undefined {
  let earliest: Root | undefined
  for (const waiting of state.orphans.values()) {
    for (const orphan of waiting) {
      if (!earliest || isBefore(orphan.start, earliest.start)) earliest = orphan
    }
  }
  return earliest
}
