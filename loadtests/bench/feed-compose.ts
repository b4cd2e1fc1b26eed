import { describeCurve, measureCurve, type Point } from './feed-curves.ts'
import { sendAll } from './feed-load.ts'
import { followers } from './feed-plan.ts'
import { askToPost, type User, type World } from './feed-world.ts'
import { median, slopeOf } from './ratio.ts'
import type { Row } from './row.ts'

/**
 * What a post costs until it is acknowledged, against the author's followers. The worker is stopped
 * meanwhile: what it does comes after the answer, and is measured by itself.
 */
export async function benchCompose(quick: boolean, worlds: World[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const world of worlds) {
    await world.platform.stop('feed-worker')
    const times = new Map<number, number[]>(followers.map((count) => [count, []]))
    const points = world.composers.map((author, place): Point => {
      const x = followers[place] ?? 0
      return { x, run: (amount) => compose(world, author, amount, times.get(x) ?? []) }
    })
    // The first posts of an author, and of the process, cost more than the rest.
    for (const { run } of points) await run(100)
    for (const list of times.values()) list.length = 0
    const curve = await measureCurve(world, points, {
      amount: quick ? 200 : 400,
      rounds: quick ? 2 : 4,
    })
    const waits = followers.map((x) => ({ x, y: 1_000 * median(times.get(x) ?? []) }))
    rows.push(
      {
        name: `post acknowledged against followers, ${world.mode}: slope (us: ${describeCurve(curve)})`,
        value: slopeOf(curve),
        unit: '',
        aim: 0.05,
        better: 'lower',
      },
      {
        name: `the same in p50 as the caller waits, ${world.mode} (us: ${describeCurve(waits)})`,
        value: slopeOf(waits),
        unit: '',
        better: 'lower',
      },
    )
  }
  return rows
}

async function compose({ platform }: World, author: User, amount: number, times: number[]) {
  const got = await sendAll(platform.urls.gateway, amount, () => askToPost(author))
  times.push(...got.times)
}
