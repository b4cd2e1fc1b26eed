import { setTimeout as sleep } from 'node:timers/promises'
import { findLast } from './last.ts'
import { readTrace, StoreAway, TraceError } from './read.ts'
import { lastEnd, type Span, toSpans } from './span.ts'
import { buildTree } from './tree.ts'
import { render } from './waterfall.ts'

export { StoreAway, TraceError }

export type ShowOptions = {
  /** Where the trace query API answers, such as http://127.0.0.1:16686 */
  queryUrl: string
  /** A trace id, a whole `traceparent`, or `last` for the newest trace of a user's request. */
  id: string
  /** Columns of the terminal; 80 unless told. */
  width?: number
  /** Unless told: when stdout is a terminal and NO_COLOR is not set. */
  color?: boolean
  /** Show every span instead of folding like ones. */
  full?: boolean
  /** How long to wait for a trace to come and to grow no more; 3,000 unless told. */
  waitMs?: number
  /** Whether the services seen so far are all that the caller waits for. */
  expect?: (services: string[]) => boolean
}

const askEveryMs = 150
const quietMs = 1_000
/** Exporters flush every half second, so a trace that ended this long ago has arrived. */
const settledMs = 5_000

/**
 * Reads a trace and draws it. Spans arrive in batches from several processes, so it waits until the
 * trace has not grown for a second. The text ends with a line end.
 * @throws TraceError with one sentence to print when the trace is unknown or the store is away
 */
export async function showTrace(options: ShowOptions): Promise<string> {
  const { queryUrl, full = false, expect = () => true, waitMs = 3_000 } = options
  const deadline = Date.now() + waitMs
  const spans = await waitForSpans(queryUrl, options.id, deadline, expect)
  if (spans) {
    const color = options.color ?? (process.stdout.isTTY === true && !process.env.NO_COLOR)
    return `${render(buildTree(spans), { width: options.width ?? 80, color, full })}\n`
  }
  throw new TraceError(
    options.id === 'last'
      ? 'No request has been traced yet: make one, then ask again.'
      : `No trace has the id ${options.id}: it may be mistyped, too old, or still on its way.`,
  )
}

async function waitForSpans(
  queryUrl: string,
  asked: string,
  deadline: number,
  expect: (services: string[]) => boolean,
): Promise<Span[] | undefined> {
  let id = asked === 'last' ? undefined : readId(asked)
  let spans: Span[] | undefined
  let changed = Date.now()
  while (true) {
    id ??= await findLast(queryUrl, Date.now() < deadline)
    const read = id ? await readTrace(queryUrl, id) : undefined
    const now = Date.now()
    if (read) {
      const before = spans?.length
      spans = toSpans(read)
      if (spans.length !== before) changed = now
      const enough = expect([...new Set(spans.map((span) => span.service))])
      if (enough && (now - changed >= quietMs || now - lastEnd(read) > settledMs)) return spans
    }
    if (now >= deadline) return spans
    await sleep(Math.min(askEveryMs, deadline - now))
  }
}

function readId(text: string): string {
  const id = /^(?:00-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/i.exec(text.trim())?.[1]
  if (id) return id.toLowerCase()
  throw new TraceError(`${text} is no trace id: those are 32 hexadecimal digits, or the word last.`)
}
