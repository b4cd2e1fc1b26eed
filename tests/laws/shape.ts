import type { TraceSpan } from '../trace.ts'
import { isRoot, type Law, parentIn, type Run, say } from './law.ts'

const graceNanos = 1_000_000n

/**
 * A trace begins once: with a request, with an event, or with what somebody does on a phone; anything
 * else lost its context on the way.
 */
export const oneRoot: Law = (trace, run) => {
  const roots = trace.filter((span) => isRoot(span, run))
  const strays = roots.filter(
    (span) => span.kind !== 'SERVER' && span.kind !== 'CONSUMER' && !isSaid(span),
  )
  const breaches = strays.map(
    (span) => `${say(span)} is a root, but only a request or an event begins a trace`,
  )
  if (roots.length !== 1) {
    const named = roots.map(say).join(', ')
    breaches.push(`the trace has ${roots.length} roots instead of one: ${named || 'none'}`)
  }
  return breaches
}

export const noMissingParent: Law = (trace, run) =>
  trace
    .filter((span) => !isRoot(span, run) && !parentIn(trace, span))
    .map((span) => `${say(span)} has a parent that is not in the trace: ${span.parentId}`)

export const noEarlyChild: Law = (trace) =>
  trace.flatMap((span) => {
    const parent = parentIn(trace, span)
    if (!parent || span.start + graceNanos >= parent.start) return []
    const early = Number(parent.start - span.start) / 1e6
    return [`${say(span)} starts ${early.toFixed(3)} ms before its parent ${say(parent)}`]
  })

/** Only one who calls can be the parent of one who answers. */
export const serverHasCaller: Law = (trace) =>
  trace.flatMap((span) => {
    const parent = span.kind === 'SERVER' ? parentIn(trace, span) : undefined
    if (!parent || parent.kind === 'CLIENT' || isGateway(parent)) return []
    return [`${say(span)} answers ${say(parent)}, which is neither a CLIENT nor the gateway`]
  })

/** What comes over a socket was said by a phone: by one of ours, or by one that says nothing of its spans. */
export const liveHasPhone: Law = (trace) =>
  trace.flatMap((span) => {
    const live =
      span.kind === 'SERVER' && span.attributes['messaging.system']?.value === 'socket.io'
    const parent = live ? parentIn(trace, span) : undefined
    if (!parent || isSaid(parent)) return []
    return [`${say(span)} answers ${say(parent)}, which is no phone`]
  })

/** An event is processed as a child of its PRODUCER, or in a trace of its own with a link to it. */
export const consumerHasProducer: Law = (trace, run) =>
  trace
    .filter((span) => span.kind === 'CONSUMER')
    .flatMap((span) => {
      const origins = originsOf(trace, span, run)
      if (origins.some((origin) => origin?.kind === 'PRODUCER')) return []
      if (origins.length === 0) return [`${say(span)} has no PRODUCER as its parent or link`]
      const found = origins.map((origin) => (origin ? say(origin) : 'a span that is not stored'))
      return [`${say(span)} points to ${found.join(', ')} instead of a PRODUCER`]
    })

function originsOf(trace: TraceSpan[], span: TraceSpan, run: Run): (TraceSpan | undefined)[] {
  const linked = span.links.map((link) => run.find(link.traceId, link.spanId))
  return span.parentId ? [parentIn(trace, span), ...linked] : linked
}

function isSaid(span: TraceSpan): boolean {
  return span.kind === 'CLIENT' && span.service === 'phone'
}

function isGateway(span: TraceSpan): boolean {
  return span.kind === 'SERVER' && span.service === 'gateway'
}
