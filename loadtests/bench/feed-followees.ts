import { describeCurve, measureCurve, type Point } from './feed-curves.ts'
import { sendAll } from './feed-load.ts'
import { followees } from './feed-plan.ts'
import { rebuild } from './feed-rebuild.ts'
import { askTimeline, type World } from './feed-world.ts'
import { slopeOf } from './ratio.ts'
import type { Row } from './row.ts'

/** What a timeline costs against the number of people followed: read from the cache, and rebuilt. */
export async function benchFollowees(quick: boolean, worlds: World[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const world of worlds) {
    const cached = await measureCurve(world, cachedPoints(world), {
      amount: quick ? 1_000 : 2_000,
      rounds: quick ? 2 : 4,
    })
    const rebuilt = await measureCurve(world, rebuiltPoints(world), { amount: 40, rounds: 2 })
    rows.push(
      {
        name: `cached timeline against people followed, ${world.mode}: slope (us: ${describeCurve(cached)})`,
        value: slopeOf(cached),
        unit: '',
        aim: 0.05,
        better: 'lower',
      },
      {
        name: `rebuilt timeline, ${world.mode}: slope (us: ${describeCurve(rebuilt)})`,
        value: slopeOf(rebuilt),
        unit: '',
        better: 'lower',
      },
    )
  }
  return rows
}

function cachedPoints({ platform, readers }: World): Point[] {
  return readers.map((reader, place) => ({
    x: followees[place] ?? 0,
    run: (amount) => sendAll(platform.urls.gateway, amount, () => askTimeline(reader)),
  }))
}

/** One request at a time, each after its list was dropped; whom the reader follows stays cached. */
function rebuiltPoints({ platform, readers }: World): Point[] {
  return readers.map((reader, place) => ({
    x: followees[place] ?? 0,
    run: (amount) => rebuild(platform, reader, amount),
  }))
}
