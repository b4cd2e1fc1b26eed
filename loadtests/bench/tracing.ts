import { setTimeout as sleep } from 'node:timers/promises'
import { type Platform, startPlatform, type TelemetryMode } from '@clew/launcher/platform'
import { cpuMicrosOf } from './processes.ts'
import { medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'
import { type Load, prepareLoad, type Route } from './tracing-load.ts'

const routes: Route[] = ['profile read, cached', 'follow']
const traced = ['nginx', 'gateway-spans', 'auth', 'profile', 'feed', 'feed-worker']
const beside = ['lens', 'postgres', 'redis']
const flushMs = 1_500

type Mode = { name: TelemetryMode; platform: Platform; load: Load }
type Block = { cpu: Record<string, number>; spans: number }

/**
 * What tracing costs: the same platform three times, untraced, lean and auto, side by side, given the
 * same requests in interleaved blocks (A B B A). Processor time per request is summed over the gateway
 * and the services; each pair of neighbouring blocks gives one ratio.
 */
export async function benchTracing(quick: boolean): Promise<Row[]> {
  const rounds = quick ? 2 : 5
  const amount = quick ? 1_000 : 3_000
  await using stack = new AsyncDisposableStack()
  const names: TelemetryMode[] = ['off', 'lean', 'auto']
  const modes: Mode[] = []
  for (const [index, name] of names.entries()) {
    const platform = stack.use(
      await startPlatform({
        telemetry: name,
        portOffset: 13_000 + index * 500,
        state: `.clew/bench/${name}`,
        fresh: true,
      }),
    )
    modes.push({ name, platform, load: await prepareLoad(platform, amount * (rounds * 4 + 6)) })
  }
  const rows: Row[] = []
  for (const route of routes) {
    // Long enough for the compiler to have done its work: it would count as the cost of tracing.
    for (const { load } of modes) await load(route, amount * 5)
    const [off, lean, auto] = modes as [Mode, Mode, Mode]
    rows.push(...(await compare(route, amount, rounds, off, lean, 0.8)))
    rows.push(...(await compare(route, amount, rounds, off, auto)))
  }
  return rows
}

async function compare(
  route: Route,
  amount: number,
  rounds: number,
  off: Mode,
  on: Mode,
  aim?: number,
) {
  const pairs: [Block, Block][] = []
  for (let round = 0; round < rounds; round++) {
    const [a1, b1] = [await measure(off, route, amount), await measure(on, route, amount)]
    const [b2, a2] = [await measure(on, route, amount), await measure(off, route, amount)]
    pairs.push([a1, b1], [a2, b2])
  }
  const ratio = medianWithInterval(pairs.map(([a, b]) => sum(a, traced) / sum(b, traced)))
  const offs = pairs.map(([a]) => a)
  const ons = pairs.map(([, b]) => b)
  const name = `${route}: ${on.name}`
  const row = (what: string, value: number, unit: string): Row => ({
    name: `${name}, ${what}`,
    value,
    unit,
    better: 'lower',
  })
  return [
    {
      name: `${name}, untraced / traced CPU (95 % ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`,
      value: ratio.median,
      unit: '',
      better: 'higher',
      ...(aim && { aim }),
    } satisfies Row,
    row('gateway and services, untraced', middle(offs, traced), 'us/request'),
    row('gateway and services, traced', middle(ons, traced), 'us/request'),
    ...[...traced, ...beside].map((part) =>
      row(
        `${part}, traced (untraced ${middle(offs, [part]).toFixed(0)})`,
        middle(ons, [part]),
        'us/request',
      ),
    ),
    row('spans', medianWithInterval(ons.map((block) => block.spans)).median, 'a request'),
  ]
}

async function measure(mode: Mode, route: Route, amount: number): Promise<Block> {
  const before = await read(mode.platform)
  await mode.load(route, amount)
  await sleep(flushMs)
  const after = await read(mode.platform)
  const cpu = Object.fromEntries(
    Object.entries(after.cpu).map(([part, micros]) => [
      part,
      (micros - (before.cpu[part] ?? 0)) / amount,
    ]),
  )
  return { cpu, spans: (after.spans - before.spans) / amount }
}

async function read(platform: Platform) {
  const parts = platform
    .parts()
    .flatMap(({ name, pid }) => (pid ? [[name, cpuMicrosOf(pid)] as const] : []))
  const answer = await fetch(`${platform.urls.query}/stats`)
  const stats = (await answer.json()) as { stored: number }
  return { cpu: Object.fromEntries(parts), spans: stats.stored }
}

function sum(block: Block, parts: string[]): number {
  return parts.reduce((total, part) => total + (block.cpu[part] ?? 0), 0)
}

function middle(blocks: Block[], parts: string[]): number {
  return medianWithInterval(blocks.map((block) => sum(block, parts))).median
}
