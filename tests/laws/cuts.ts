import type { Note } from '../notes.ts'
import type { TraceSpan } from '../trace.ts'
import type { Breach, LawName } from './laws.ts'

/** A time in which a part was taken away, and with it perhaps spans. */
export type Cut = { cut: string; fromMs: number; toMs: number }

/**
 * A process that is killed takes up to half a second of spans with it, and a collector that is away
 * for too long makes services drop some. What is left of such a trace lacks spans, so it may break
 * the laws that say what must be there. All other laws say what must not be, and hold all the same.
 */
const lawsOfCompleteness: LawName[] = [
  'oneRoot',
  'noMissingParent',
  'consumerHasProducer',
  'errorExplained',
]
/** How long before a kill spans may have ended that were not sent. */
const unsentMs = 1_000

export function cutsOf(notes: Note[]): Cut[] {
  return notes.flatMap((note) => ('cut' in note ? [note] : []))
}

/** Whether spans are missing rather than wrong: the trace crosses a cut, and only lacks something. */
export function isCut({ law }: Breach, trace: TraceSpan[], cuts: Cut[]): boolean {
  if (!lawsOfCompleteness.includes(law)) return false
  const starts = trace.map(({ start }) => Number(start / 1_000_000n))
  const ends = trace.map(({ end }) => Number(end / 1_000_000n))
  const [first, last] = [Math.min(...starts), Math.max(...ends)]
  return cuts.some(({ fromMs, toMs }) => first <= toMs && last >= fromMs - unsentMs)
}
