import { setTimeout as sleep } from 'node:timers/promises'
import { countLostByKills } from './lens-crash.ts'
import { fill, measureAnswer, measureIntake, measureReaderCost } from './lens-load.ts'
import { type LensProcess, openFolder, startLens } from './lens-process.ts'
import { median } from './ratio.ts'
import type { Row } from './row.ts'
import { makeBatches } from './spans.ts'

const aims = { perSecond: 50_000, cpuMicros: 14, fetchMs: 3, summariesMs: 8 }

/**
 * Measures lens as a process of its own, the load generator beside it on the same machine.
 * Quick leaves out the store of a million spans, which takes a minute to fill, and half of the rounds.
 */
export async function benchLens(quick: boolean): Promise<Row[]> {
  const rows = [
    ...(await benchStart()),
    ...(await benchIntake(true)),
    ...(await benchIntake(false)),
  ]
  if (!quick) rows.push(...(await benchMillion()))
  rows.push(...(await benchReaders(quick ? 4 : 8)), ...(await benchKills(quick ? 10 : 20)))
  return rows
}

async function benchStart(): Promise<Row[]> {
  const ready: number[] = []
  const memory: number[] = []
  for (let round = 0; round < 5; round++) {
    await using folder = await openFolder()
    await using lens = await startLens(folder.path)
    ready.push(lens.readyMs)
    await sleep(500)
    memory.push(lens.megabytes())
  }
  return [
    row('lens: start to ready', median(ready), 'ms', 300),
    row('lens: memory at rest', median(memory), 'MB', 120),
  ]
}

async function benchIntake(whole: boolean): Promise<Row[]> {
  const name = whole ? 'whole traces' : 'traces over five services'
  await using folder = await openFolder()
  await using lens = await startLens(folder.path)
  const batches = [...makeBatches(100_000, { whole })]
  const { perSecond, cpuMicros } = await measureIntake(lens, batches)
  return [
    {
      name: `lens: intake, ${name}`,
      value: perSecond,
      unit: 'spans/s',
      aim: aims.perSecond,
      better: 'higher',
    },
    row(`lens: CPU, ${name}`, cpuMicros, 'us/span', aims.cpuMicros),
    row(`lens: memory after 100,000 spans, ${name}`, lens.megabytes(), 'MB', 250),
    ...(await benchAnswers(lens, `${name}, 100,000 spans`, 1)),
  ]
}

async function benchMillion(): Promise<Row[]> {
  await using folder = await openFolder()
  await using lens = await startLens(folder.path)
  await fill(lens, 1_000_000)
  return benchAnswers(lens, 'whole traces, 1,000,000 spans', 2)
}

async function benchAnswers(lens: LensProcess, name: string, allowance: number): Promise<Row[]> {
  const search = '/api/v3/trace-summaries?query.serviceName=auth&query.searchDepth='
  const { summaries } = JSON.parse((await lens.ask(`${search}200`)).text)
  const traces = summaries.map(({ traceId }: { traceId: string }) => `/api/v3/traces/${traceId}`)
  const fetchMs = await measureAnswer(lens, traces)
  const summariesMs = await measureAnswer(lens, [`${search}20`])
  return [
    row(`lens: a 40-span trace, ${name}`, fetchMs, 'ms', aims.fetchMs * allowance),
    row(`lens: 20 summaries, ${name}`, summariesMs, 'ms', aims.summariesMs * allowance),
  ]
}

async function benchReaders(pairs: number): Promise<Row[]> {
  await using folder = await openFolder()
  await using lens = await startLens(folder.path)
  await fill(lens, 20_000)
  const ratio = await measureReaderCost(lens, pairs)
  const name = 'lens: intake beside 20 queries/s, over intake alone'
  return [{ name, value: ratio, unit: 'ratio', aim: 0.9, better: 'higher' }]
}

async function benchKills(kills: number): Promise<Row[]> {
  const { acknowledged, lost } = await countLostByKills(kills)
  return [row(`lens: spans lost of ${acknowledged} by ${kills} kill -9`, lost, 'spans', 0)]
}

function row(name: string, value: number, unit: string, aim: number): Row {
  return { name, value, unit, aim, better: 'lower' }
}
