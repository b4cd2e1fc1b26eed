import { beside, middleOf, sumOf } from './blocks.ts'
import { loadAverage } from './load-average.ts'
import type { Connected, Connecting, Sends, Sent } from './messaging-driver.ts'
import { type Measured, measureSending } from './messaging-load.ts'
import { instances, type MessagingWorld } from './messaging-world.ts'
import { percentile } from './percentile.ts'
import { medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'

const people = 200
const perSecond = 500
/** With a driver later than this, what it measured is partly its own. */
const latestMs = 5
const parts = [...instances, 'nginx', 'gateway-spans', 'auth', 'profile']

type Side = { world: MessagingWorld; turns: Sends['turns']; measured: Measured[] }

/**
 * Two hundred people in pairs, each on another instance than the other, who write 500 messages a
 * second to each other: how long a message takes from when it was due until it is received, and what
 * it costs; with tracing and without in interleaved blocks (A B B A).
 */
export async function benchPairs(
  quick: boolean,
  [off, lean]: [off: MessagingWorld, lean: MessagingWorld],
): Promise<Row[]> {
  const amount = perSecond * (quick ? 6 : 10)
  const rounds = quick ? 2 : 4
  const [a, b] = [await seat(off), await seat(lean)]
  for (const side of [a, b]) {
    // Whoever writes to somebody for the first time is looked up: in a process that is cold as well.
    await side.world.driver.ask('send', sendsOf(side, side.turns.length, 'first', perSecond / 10))
    // Long enough for the compiler to have done its work.
    await side.world.driver.ask('send', sendsOf(side, amount * 2, 'warm', perSecond))
  }
  for (let round = 0; round < rounds; round++) {
    for (const side of [a, b, b, a]) await exchange(side, amount, `${round}${side.measured.length}`)
  }
  return [...describeTimes(b), ...describeTimes(a), ...describeCosts(a, b)]
}

/** Connects everybody through the gateway, and pairs those of one instance with those of the other. */
async function seat(world: MessagingWorld): Promise<Side> {
  const { platform, users, driver } = world
  const { instances: places } = await driver.ask<Connected>('connect', {
    origin: platform.urls.gateway,
    tokens: users.slice(0, people).map(({ token }) => token),
    ports: [platform.ports.messaging, platform.ports.messaging2],
  } satisfies Connecting)
  const on = (instance: number) => places.flatMap((at, place) => (at === instance ? place : []))
  const [first, second] = [on(0), on(1)]
  const pairs = first.slice(0, second.length).map((one, at) => [one, second[at] ?? 0] as const)
  if (pairs.length < people * 0.45) throw new Error(`only ${pairs.length} pairs: the run is void`)
  const turn = (from: number, to: number) => ({ from, target: { to: users[to]?.id ?? '' } })
  const turns = [
    ...pairs.map(([one, other]) => turn(one, other)),
    ...pairs.map(([one, other]) => turn(other, one)),
  ]
  return { world, turns, measured: [] }
}

async function exchange(side: Side, amount: number, name: string): Promise<void> {
  side.measured.push(await measureSending(side.world, sendsOf(side, amount, name, perSecond)))
}

function sendsOf({ world, turns }: Side, amount: number, name: string, perSecond: number): Sends {
  return { turns, amount, perSecond, recipients: 1, seed: `pairs.${world.mode}.${name}` }
}

function describeTimes({ world, measured }: Side): Row[] {
  const sent = measured.map((one) => one.sent)
  const all = (what: 'received' | 'acknowledged' | 'late') =>
    sent.flatMap((block) => [...block[what]])
  const late = percentile(all('late'), 0.99)
  const remark = late > latestMs ? ', THE DRIVER WAS LATE' : ''
  const row = (name: string, value: number, aim?: number): Row => ({
    name: `message to receive across instances, ${world.mode}: ${name}${remark}`,
    value,
    unit: 'ms',
    better: 'lower',
    ...(aim && world.mode === 'lean' && { aim }),
  })
  return [
    row(`p50 of ${sent.length} blocks at ${perSecond}/s`, percentile(all('received'), 0.5), 3),
    row('p99 (what was promised is 50)', percentile(all('received'), 0.99), 20),
    row(
      'p99 of the median block',
      medianWithInterval(sent.map((block) => percentile(block.received, 0.99))).median,
    ),
    row('acknowledged, p50', percentile(all('acknowledged'), 0.5)),
    row('acknowledged, p99', percentile(all('acknowledged'), 0.99)),
    row('of this the driver was late, p50', percentile(all('late'), 0.5)),
    row('of this the driver was late, p99', late),
    refused(world.mode, sent),
  ]
}

function refused(mode: string, sent: Sent[]): Row {
  const all = sent.flatMap(({ refusals }) => refusals)
  if (all[0]) console.error(`refused, for example: ${all[0]}`)
  return { name: `messages refused, ${mode}`, value: all.length, unit: '', aim: 0, better: 'lower' }
}

function describeCosts(...sides: [off: Side, lean: Side]): Row[] {
  const [off = [], lean = []] = sides.map(({ measured }) => measured.map(({ block }) => block))
  const ratio = medianWithInterval(
    off.map((block, at) => sumOf(lean[at] ?? block, parts) / sumOf(block, parts)),
  )
  const row = (what: string, value: number, unit: string): Row => ({
    name: `message, ${what}`,
    value,
    unit,
    better: 'lower',
  })
  const cost = (name: string, which: string[]) =>
    row(
      `lean: ${name} (off ${middleOf(off, which).toFixed(0)})`,
      middleOf(lean, which),
      'us/message',
    )
  const spans = medianWithInterval(lean.map((block) => block.spans)).median
  return [
    row(
      `CPU lean / off (95 % ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`,
      ratio.median,
      '',
    ),
    cost('both instances of messaging', instances),
    cost('redis', ['redis']),
    cost('postgres', ['postgres']),
    cost('nginx', ['nginx']),
    cost('lens', ['lens']),
    cost('all processes', [...parts, ...beside]),
    row('lean: spans', spans, 'a message'),
    loadAverage('pairs'),
  ]
}
