import { setTimeout as sleep } from 'node:timers/promises'
import { metrics } from '@clew/conventions/metrics'
import { beforeAll, describe, expect, it } from 'vitest'
import { readEveryTrace, readStats } from '../lens.ts'
import { communityEnvironment, readNotes } from '../notes.ts'
import { readPlatform } from '../platform.ts'
import type { TraceSpan } from '../trace.ts'
import { cutsOf, isCut } from './cuts.ts'
import type { Run } from './law.ts'
import { checkTrace, type LawName, laws } from './laws.ts'

// Last of all: what every test of this run left behind, whatever it was about.
const notes = readNotes()
const cuts = cutsOf(notes)
const mode = readPlatform().env.CLEW_TELEMETRY ?? 'lean'
let traces: TraceSpan[][] = []
let breaches: { law: LawName; traceId: string; sentence: string }[] = []

beforeAll(async () => {
  await untilQuiet()
  traces = (await readEveryTrace()).filter((trace) => !trace.some(isByCommunity))
  const run = runOf(traces)
  breaches = traces.flatMap((trace) =>
    checkTrace(trace, run).filter((it) => !isCut(it, trace, cuts)),
  )
})

// The community's instrumentations keep rules of their own.
describe.runIf(mode === 'lean')('every trace of this run', () => {
  for (const law of Object.keys(laws) as LawName[]) {
    it(`obeys ${law}`, () => {
      const found = breaches.filter((breach) => breach.law === law)
      expect(found.map(({ traceId, sentence }) => `${traceId}: ${sentence}`)).toEqual([])
    })
  }

  it('was looked at', () => {
    const spans = traces.reduce((sum, trace) => sum + trace.length, 0)
    const secrets = notes.filter((note) => 'secret' in note).length
    console.log(`${traces.length} traces with ${spans} spans obey ${Object.keys(laws).length} laws`)
    console.log(`and show none of ${secrets} private texts`)
    expect(traces.length).toBeGreaterThan(30)
    expect(spans).toBeGreaterThan(traces.length * 2)
    expect(new Set(traces.flat().map(({ service }) => service))).toEqual(
      new Set([
        ...['gateway', 'phone', 'auth', 'profile', 'feed', 'feed-worker'],
        ...['messaging', 'media', 'media-worker'],
      ]),
    )
  })

  it('that a test looked at whole has got no more spans since', () => {
    const stored = new Map(traces.map((trace) => [trace[0]?.traceId, trace.length]))
    const looked = notes.flatMap((note) => ('traceId' in note ? [note] : []))
    const grown = looked.filter(({ traceId, spans }) => stored.get(traceId) !== spans)
    expect(grown.map((note) => ({ ...note, now: stored.get(note.traceId) }))).toEqual([])
  })
})

describe('metrics', () => {
  it('are declared, with their tags', async () => {
    const declared = new Map(
      Object.entries(metrics).map(([name, { tags }]) => [
        name.replace(/\W/g, '_'),
        tags as readonly string[],
      ]),
    )
    const seen = (await readMetrics()).filter(({ name }) => !name.startsWith('clew_lens_'))
    expect(seen.length).toBeGreaterThan(10)
    const strange = seen.filter(({ name, labels }) => {
      const tags = declared.get(name.replace(/_(total|bucket|sum|count)$/, ''))
      return !tags || labels.some((label) => ![...tags, 'service', 'le'].includes(label))
    })
    expect(strange).toEqual([])
  })
})

describe.runIf(mode === 'lean')('spans', () => {
  it('are stored as they were sent: none rejected, none evicted', async () => {
    expect(await readStats()).toMatchObject({ rejected: 0, evictedSpans: 0 })
  })
})

/** Every series that lens shows to Prometheus. */
async function readMetrics(): Promise<{ name: string; labels: string[] }[]> {
  const answer = await fetch(readPlatform().urls.metrics)
  const lines = (await answer.text()).split('\n').filter((line) => line && !line.startsWith('#'))
  return lines.map((line) => ({
    name: /^\w+/.exec(line)?.[0] ?? '',
    labels: [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label ?? ''),
  }))
}

function isByCommunity({ resource }: TraceSpan): boolean {
  return resource['deployment.environment.name']?.value === communityEnvironment
}

function runOf(traces: TraceSpan[][]): Run {
  const spans = new Map(traces.flat().map((span) => [`${span.traceId} ${span.id}`, span]))
  return {
    find: (traceId, spanId) => spans.get(`${traceId} ${spanId}`),
    outside: new Set(notes.flatMap((note) => ('outside' in note ? [note.outside] : []))),
    secrets: [...new Set(notes.flatMap((note) => ('secret' in note ? [note.secret] : [])))],
  }
}

/** Waits until lens has stored what is still on its way. */
async function untilQuiet(): Promise<void> {
  for (let before = -1; ; ) {
    const { stored = 0 } = await readStats()
    if (stored === before) return
    before = stored
    await sleep(1_500)
  }
}
