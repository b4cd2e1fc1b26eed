import { measureCurve, type Point } from './feed-curves.ts'
import { sendAll } from './feed-load.ts'
import { planMore } from './feed-plan.ts'
import { rebuild } from './feed-rebuild.ts'
import { askTimeline, populate, type User, type World } from './feed-world.ts'
import type { Row } from './row.ts'

const first = 10_000

type Measured = { posts: number; cached: number; rebuilt: number }

/** What a timeline costs against the number of all posts there are: read from the cache, and rebuilt. */
export async function benchPosts(quick: boolean, worlds: World[]): Promise<Row[]> {
  const measured = new Map<World, Measured[]>(worlds.map((world) => [world, []]))
  for (const posts of quick ? [first, 100_000] : [first, 100_000, 1_000_000]) {
    for (const world of worlds) {
      const more = planMore(posts - (measured.get(world)?.at(-1)?.posts ?? first))
      if (more.posts.length > 0) await populate(world.platform, more)
    }
    for (const world of worlds) {
      measured.get(world)?.push({ posts, ...(await measureReads(world, quick)) })
    }
  }
  return worlds.flatMap((world) => describe(world, measured.get(world) ?? []))
}

async function measureReads(world: World, quick: boolean) {
  const [, reader] = world.readers as [User, User]
  const read = (amount: number) =>
    sendAll(world.platform.urls.gateway, amount, () => askTimeline(reader))
  const point = (run: Point['run']): Point[] => [{ x: first, run }]
  const rounds = quick ? 2 : 4
  const cached = await measureCurve(world, point(read), { amount: quick ? 1_000 : 3_000, rounds })
  const again = point((amount) => rebuild(world.platform, reader, amount))
  const rebuilt = await measureCurve(world, again, { amount: 150, rounds })
  return { cached: cached[0]?.y ?? Number.NaN, rebuilt: rebuilt[0]?.y ?? Number.NaN }
}

function describe({ mode }: World, [few, ...more]: Measured[]): Row[] {
  return more.flatMap(({ posts, ...here }) =>
    (['cached', 'rebuilt'] as const).map((kind): Row => {
      const [at, before] = [here[kind], few?.[kind] ?? Number.NaN]
      const count = posts.toLocaleString('en')
      return {
        name: `${kind} timeline, ${mode}: ${count} posts against 10,000 (${at.toFixed(0)} against ${before.toFixed(0)} us)`,
        value: at / before,
        unit: '',
        aim: 1.15,
        better: 'lower',
      }
    }),
  )
}
