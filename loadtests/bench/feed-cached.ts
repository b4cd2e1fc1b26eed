import { isDeepStrictEqual } from 'node:util'
import { type Block, beside, measureBlock, middleOf, sumOf, traced } from './blocks.ts'
import { type Control, controlParts, startControl } from './feed-control.ts'
import { sendAll } from './feed-load.ts'
import { askTimeline, type User, type World } from './feed-world.ts'
import { medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'

type Side = { name: string; parts: string[]; measure(amount: number): Promise<Block> }

/**
 * A timeline that is cached, through the gateway: with tracing against without, in interleaved blocks
 * (A B B A), and against a bare server that makes the same reads.
 */
export async function benchCached(
  quick: boolean,
  [off, lean, auto]: [off: World, lean: World, auto: World],
): Promise<Row[]> {
  const rounds = quick ? 2 : 5
  const amount = quick ? 1_000 : 3_000
  await using control = await startControl(off.platform)
  const bare = sideOfControl(control, off.readers)
  const [without, thin, whole] = [sideOf(off), sideOf(lean), sideOf(auto)]
  // Long enough for the compiler to have done its work: it would count as the cost of tracing.
  for (const side of [without, thin, whole, bare]) await side.measure(amount * 5)
  await refuseOther(off, control)
  return [
    ...(await compare(amount, rounds, without, thin, 1.25)),
    ...(await compare(amount, rounds, without, whole)),
    ...(await compare(amount, rounds, bare, without)),
  ]
}

function sideOf({ mode, platform, readers }: World): Side {
  return {
    name: mode,
    parts: traced,
    measure: (amount) =>
      measureBlock(platform, amount, async () => {
        const next = (place: number) => askTimeline(readers[place % readers.length] as User)
        const { hits } = await sendAll(platform.urls.gateway, amount, next)
        // The first of each reader fills the cache.
        if (hits < amount * 0.95) throw new Error(`${hits} of ${amount} were hits: the run is void`)
      }),
  }
}

function sideOfControl(control: Control, readers: User[]): Side {
  const path = (place: number) => `/${readers[place % readers.length]?.id}`
  return {
    name: 'control',
    parts: controlParts,
    measure: (amount) => control.measure(amount, (place) => ({ method: 'GET', path: path(place) })),
  }
}

/** @throws Error unless the control gives the same posts as Clew */
async function refuseOther({ platform, readers }: World, control: Control): Promise<void> {
  for (const reader of readers) {
    const { path, token } = askTimeline(reader)
    const headers = { authorization: `Bearer ${token}` }
    const ours = await fetch(platform.urls.gateway + path, { headers })
    const theirs = await fetch(`${control.origin}/${reader.id}`)
    const [one, other] = [await readPosts(ours), await readPosts(theirs)]
    if (!isDeepStrictEqual(one, other)) throw new Error('the control answers something else')
  }
}

async function readPosts(answer: Response): Promise<unknown> {
  return ((await answer.json()) as { posts: unknown }).posts
}

async function compare(
  amount: number,
  rounds: number,
  base: Side,
  other: Side,
  aim?: number,
): Promise<Row[]> {
  const pairs: [Block, Block][] = []
  for (let round = 0; round < rounds; round++) {
    const [a1, b1] = [await base.measure(amount), await other.measure(amount)]
    const [b2, a2] = [await other.measure(amount), await base.measure(amount)]
    pairs.push([a1, b1], [a2, b2])
  }
  const ratio = medianWithInterval(
    pairs.map(([a, b]) => sumOf(b, other.parts) / sumOf(a, base.parts)),
  )
  const bases = pairs.map(([a]) => a)
  const others = pairs.map(([, b]) => b)
  const interval = `95 % ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`
  const row = (what: string, value: number, unit: string): Row => ({
    name: `cached timeline, ${what}`,
    value,
    unit,
    better: 'lower',
  })
  return [
    {
      ...row(`CPU ${other.name} / ${base.name} (${interval})`, ratio.median, ''),
      ...(aim && { aim }),
    },
    row(`${base.name}, ${describe(base)}`, middleOf(bases, base.parts), 'us/request'),
    row(`${other.name}, ${describe(other)}`, middleOf(others, other.parts), 'us/request'),
    ...[...new Set([...base.parts, ...other.parts, ...beside])].map((part) =>
      row(
        `${other.name}: ${part} (${base.name} ${middleOf(bases, [part]).toFixed(0)})`,
        middleOf(others, [part]),
        'us/request',
      ),
    ),
    row(`${other.name}, spans`, middle(others.map(({ spans }) => spans)), 'a request'),
  ]
}

function describe({ name }: Side): string {
  return name === 'control' ? 'bare node:http and NGINX' : 'gateway and services'
}

function middle(values: number[]): number {
  return medianWithInterval(values).median
}
