import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from './answer.ts'
import { findSpans, readTrace } from './lens.ts'
import { note } from './notes.ts'
import type { TraceSpan } from './trace.ts'
import { describeTrace, type Followers, parseTree, printTree, type Tree } from './tree.ts'

export type Journey = {
  answer: Answer
  trace: {
    id: string
    /**
     * Waits until exactly these spans are stored, written as in `tree.ts`: nothing more, nothing less.
     * Where two things race, each outcome is a tree of its own.
     * @throws an assertion error that shows the expected and the stored tree
     */
    toBe(...trees: string[]): Promise<void>
    /** The spans stored once no new ones come. */
    spans(): Promise<TraceSpan[]>
  }
}

const patienceMs = 8_000
const pauseMs = 100
/** Spans are sent at most half a second after they ended; those of the gateway a little later. */
const quietMs = 900

/** Does what a person would do, and gives the answer together with the trace it left. */
export async function journey(name: string, act: () => Promise<Answer>): Promise<Journey> {
  const answer = await act()
  const id = answer.traceId
  return {
    answer,
    trace: {
      id,
      toBe: (...trees) => awaitTree(name, id, trees.map(parseTree)),
      spans: () => awaitQuiet(id),
    },
  }
}

async function awaitTree(name: string, id: string, trees: Tree[]): Promise<void> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const trace = await readTrace(id)
    const followers = await readFollowers(trace, trees)
    const found = trees.map((tree) => ({
      expected: printTree(tree),
      actual: describeTrace(trace, tree, followers),
    }))
    // Spans that come later still are found when the whole run is looked at.
    if (found.some(({ expected, actual }) => expected === actual)) {
      return note({ traceId: id, spans: trace.length })
    }
    if (Date.now() > deadline) throw new TreeDiffers(name, id, found[0]!)
    await sleep(pauseMs)
  }
}

async function awaitQuiet(id: string): Promise<TraceSpan[]> {
  const deadline = Date.now() + patienceMs
  let spans: TraceSpan[] = []
  let changed = Date.now()
  while (Date.now() < deadline && (spans.length === 0 || Date.now() - changed < quietMs)) {
    await sleep(pauseMs)
    const found = await readTrace(id)
    if (found.length > spans.length) changed = Date.now()
    spans = found
  }
  return spans
}

/** The traces that were begun by the events of this one, if any tree asks for them. */
async function readFollowers(trace: TraceSpan[], trees: Tree[]): Promise<Followers> {
  const followers: Followers = new Map()
  if (!trees.some(({ lines }) => lines.some((line) => line.follows))) return followers
  for (const producer of trace.filter(({ kind }) => kind === 'PRODUCER')) {
    const event = String(producer.attributes['messaging.message.id']?.value)
    const found = await findSpans('messaging.message.id', event)
    const heads = found.filter(({ links }) => links.some(({ spanId }) => spanId === producer.id))
    const traces = new Set(heads.map(({ traceId }) => traceId))
    followers.set(
      producer.id,
      found.filter(({ traceId }) => traces.has(traceId)),
    )
  }
  return followers
}

/** Vitest shows the difference between `expected` and `actual`. */
class TreeDiffers extends Error {
  override name = 'AssertionError'
  readonly showDiff = true
  readonly expected: string
  readonly actual: string

  constructor(
    journey: string,
    traceId: string,
    { expected, actual }: { expected: string; actual: string },
  ) {
    const found = actual || '(no span is stored)'
    super(
      `${journey}: trace ${traceId} is not as expected.\n\nexpected\n${expected}\n\nstored\n${found}\n`,
    )
    this.expected = expected
    this.actual = actual
  }
}
