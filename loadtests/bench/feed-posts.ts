import { type Block, measureBlock, sumOf } from './blocks.ts'
import { whole } from './feed-curves.ts'
import { sendAll } from './feed-load.ts'
import { planMore } from './feed-plan.ts'
import { rebuild } from './feed-rebuild.ts'
import { askTimeline, populate, startWorld, type User, type World } from './feed-world.ts'
import { median, medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'

const first = 10_000
// Beyond the worlds that are there already.
const portOffset = 14_000

type Kind = 'cached' | 'rebuilt'
type Pair = { small: World; big: World }

/**
 * What a timeline costs against the number of all posts there are: read from the cache, and rebuilt.
 * Beside each world that grows stands one that stays as it was, and they take turns (A B B A): a
 * machine that has grown slower since the beginning does not look like a cost of posts.
 */
export async function benchPosts(quick: boolean, worlds: World[]): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const pairs: Pair[] = []
  for (const [place, big] of worlds.entries()) {
    const small = await startWorld(big.mode, portOffset + 500 * place, `${big.mode}-small`)
    stack.defer(() => small.platform[Symbol.asyncDispose]())
    for (const world of [small, big]) await readCached(world, quick ? 5_000 : 15_000)
    pairs.push({ small, big })
  }
  const rows: Row[] = []
  let before = first
  for (const posts of quick ? [100_000] : [100_000, 1_000_000]) {
    for (const { big } of pairs) await populate(big.platform, planMore(posts - before))
    before = posts
    for (const pair of pairs) {
      rows.push(await compare(pair, posts, 'cached', quick ? 1_000 : 3_000, quick ? 2 : 3))
      rows.push(await compare(pair, posts, 'rebuilt', quick ? 100 : 200, quick ? 2 : 3))
    }
  }
  return rows
}

async function compare(
  { small, big }: Pair,
  posts: number,
  kind: Kind,
  amount: number,
  rounds: number,
): Promise<Row> {
  const measured: [few: number, many: number][] = []
  for (let round = 0; round < rounds; round++) {
    const [a1, b1] = [await measure(small, kind, amount), await measure(big, kind, amount)]
    const [b2, a2] = [await measure(big, kind, amount), await measure(small, kind, amount)]
    for (const [a, b] of [[a1, b1] as const, [a2, b2] as const]) {
      measured.push([sumOf(a, whole), sumOf(b, whole)])
    }
  }
  const ratio = medianWithInterval(measured.map(([few, many]) => many / few))
  const [few, many] = [0, 1].map((side) => median(measured.map((pair) => pair[side] ?? 0)))
  const interval = `95 % ${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`
  const each = `${many?.toFixed(0)} against ${few?.toFixed(0)} us`
  return {
    name: `${kind} timeline, ${big.mode}: ${posts.toLocaleString('en')} posts against 10,000 (${interval}; ${each})`,
    value: ratio.median,
    unit: '',
    aim: 1.15,
    better: 'lower',
  }
}

function measure(world: World, kind: Kind, amount: number): Promise<Block> {
  const work = kind === 'cached' ? readCached : rebuildOften
  return measureBlock(world.platform, amount, () => work(world, amount))
}

function readCached(world: World, amount: number) {
  return sendAll(world.platform.urls.gateway, amount, () => askTimeline(readerOf(world)))
}

function rebuildOften(world: World, amount: number) {
  return rebuild(world.platform, readerOf(world), amount)
}

/** Who follows a hundred people. */
function readerOf({ readers }: World): User {
  return readers[1] as User
}
