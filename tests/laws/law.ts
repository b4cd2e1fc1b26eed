import type { TraceSpan } from '../trace.ts'

/** What a law may look up beyond the one trace it is given. */
export type Run = {
  /** Any span of the whole run. */
  find(traceId: string, spanId: string): TraceSpan | undefined
  /** Ids of spans that callers outside claimed to have, in a `traceparent` of their own. */
  outside: ReadonlySet<string>
  /** Texts that people of this run typed or hold: e-mails, passwords, tokens, words searched for. */
  secrets: readonly string[]
}

/** Looks at the spans of one trace; gives one sentence for each breach. */
export type Law = (trace: TraceSpan[], run: Run) => string[]

/** How a breach names its span: `auth CLIENT INSERT users (4bf9…)`. */
export function say({ service, kind, name, id }: TraceSpan): string {
  return `${service} ${kind} ${name} (${id})`
}

/** The span itself, in this trace, that another names as its parent. */
export function parentIn(trace: TraceSpan[], span: TraceSpan): TraceSpan | undefined {
  return span.parentId ? trace.find(({ id }) => id === span.parentId) : undefined
}

/** A root has no parent, or one outside Clew. */
export function isRoot(span: TraceSpan, { outside }: Run): boolean {
  return !span.parentId || outside.has(span.parentId)
}
