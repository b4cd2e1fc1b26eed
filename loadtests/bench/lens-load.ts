import { setTimeout as sleep } from 'node:timers/promises'
import type { LensProcess } from './lens-process.ts'
import { median } from './ratio.ts'
import { type MadeBatch, makeBatches } from './spans.ts'

export type Intake = { perSecond: number; cpuMicros: number }

/** Sends prepared batches over four connections as fast as lens takes them. */
export async function measureIntake(lens: LensProcess, batches: MadeBatch[]): Promise<Intake> {
  const spans = batches.reduce((sum, batch) => sum + batch.spans, 0)
  const cpu = lens.cpuMicros()
  const started = performance.now()
  const rest = batches.values()
  const senders = Array.from({ length: 4 }, async () => {
    for (const { body } of rest) {
      if (!(await lens.send(body))) throw new Error('lens refused a batch')
    }
  })
  await Promise.all(senders)
  const seconds = (performance.now() - started) / 1_000
  return { perSecond: spans / seconds, cpuMicros: (lens.cpuMicros() - cpu) / spans }
}

/** Fills lens without keeping all the bodies in memory. */
export async function fill(lens: LensProcess, spans: number, whole = true): Promise<void> {
  for (const { body } of makeBatches(spans, { whole })) await lens.send(body)
}

/** Milliseconds an answer takes, whole, at the median. */
export async function measureAnswer(
  lens: LensProcess,
  paths: string[],
  times = 100,
): Promise<number> {
  const taken: number[] = []
  for (let at = 0; at < times; at++) {
    const started = performance.now()
    const { status } = await lens.ask(paths[at % paths.length]!)
    taken.push(performance.now() - started)
    if (status !== 200) throw new Error(`lens answered ${status} to ${paths[at % paths.length]}`)
  }
  return median(taken)
}

/**
 * Intake with a reader at 20 queries a second beside it, over intake without, in interleaved
 * A B B A blocks. 1 means that the reader costs nothing.
 */
export async function measureReaderCost(lens: LensProcess, pairs: number): Promise<number> {
  const ratios: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const readFirst = pair % 2 === 1
    const first = await intakeBeside(lens, readFirst)
    const second = await intakeBeside(lens, !readFirst)
    ratios.push(readFirst ? first / second : second / first)
  }
  return median(ratios)
}

async function intakeBeside(lens: LensProcess, reading: boolean): Promise<number> {
  const batches = [...makeBatches(40_000, {})]
  const stop = new AbortController()
  const reader = reading ? read(lens, stop.signal) : undefined
  const { perSecond } = await measureIntake(lens, batches)
  stop.abort()
  await reader
  return perSecond
}

async function read(lens: LensProcess, stop: AbortSignal): Promise<void> {
  const queries = [
    '/api/v3/trace-summaries?query.serviceName=auth&query.searchDepth=20',
    '/api/v3/services',
    '/api/v3/trace-summaries?query.searchDepth=20',
  ]
  for (let at = 0; !stop.aborted; at++) {
    const answered = lens.ask(queries[at % queries.length]!)
    await Promise.all([answered, sleep(50)])
  }
}
