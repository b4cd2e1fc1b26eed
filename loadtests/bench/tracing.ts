import { type Platform, startPlatform, type TelemetryMode } from '@clew/launcher/platform'
import { type Block, beside, measureBlock, middleOf, sumOf, traced } from './blocks.ts'
import { medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'
import { type Load, prepareLoad, type Route } from './tracing-load.ts'

const routes: Route[] = ['profile read, cached', 'follow']

type Mode = { name: TelemetryMode; platform: Platform; load: Load }

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
  const ratio = medianWithInterval(pairs.map(([a, b]) => sumOf(a, traced) / sumOf(b, traced)))
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
    row('gateway and services, untraced', middleOf(offs, traced), 'us/request'),
    row('gateway and services, traced', middleOf(ons, traced), 'us/request'),
    ...[...traced, ...beside].map((part) =>
      row(
        `${part}, traced (untraced ${middleOf(offs, [part]).toFixed(0)})`,
        middleOf(ons, [part]),
        'us/request',
      ),
    ),
    row('spans', medianWithInterval(ons.map((block) => block.spans)).median, 'a request'),
  ]
}

function measure({ platform, load }: Mode, route: Route, amount: number): Promise<Block> {
  return measureBlock(platform, amount, () => load(route, amount))
}
