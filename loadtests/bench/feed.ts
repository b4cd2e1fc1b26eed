import { benchCached } from './feed-cached.ts'
import { benchCompose } from './feed-compose.ts'
import { benchFanout } from './feed-fanout.ts'
import { benchFollowees } from './feed-followees.ts'
import { benchHits } from './feed-hits.ts'
import { benchBytes } from './feed-memory.ts'
import { benchPages } from './feed-pages.ts'
import { benchPosts } from './feed-posts.ts'
import { logInAgain, startWorld, type World } from './feed-world.ts'
import type { Row } from './row.ts'

const portOffset = 13_000

/**
 * What timelines and posts cost, with tracing and, beside it, without: against a bare server, against
 * the number of people followed, posts, pages and followers; and how often the caches have the answer.
 */
export async function benchFeed(quick: boolean): Promise<Row[]> {
  return [...(await benchWorlds(quick)), ...(await benchHits(quick, portOffset))]
}

async function benchWorlds(quick: boolean): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const start = async (mode: World['mode'], place: number) => {
    const world = await startWorld(mode, portOffset + 500 * place)
    stack.defer(() => world.platform[Symbol.asyncDispose]())
    return world
  }
  const off = await start('off', 0)
  const lean = await start('lean', 1)
  const auto = await start('auto', 2)
  const rows = await benchCached(quick, [off, lean, auto])
  await auto.platform[Symbol.asyncDispose]()
  const worlds = [lean, off]
  const benches = [
    benchFollowees,
    benchBytes,
    benchPages,
    benchFanout,
    benchPosts,
    // Last: it stops the workers.
    benchCompose,
  ]
  for (const bench of benches) {
    for (const world of worlds) await logInAgain(world)
    rows.push(...(await bench(quick, worlds)))
  }
  return rows
}
