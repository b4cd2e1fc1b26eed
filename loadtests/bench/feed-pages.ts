import { setTimeout as sleep } from 'node:timers/promises'
import type { Platform } from '@clew/launcher/platform'
import { measureCurve } from './feed-curves.ts'
import { sendAll } from './feed-load.ts'
import { askTimeline, type User, type World } from './feed-world.ts'
import type { Row } from './row.ts'
import { readOperations } from './traces.ts'

const depths = [1, 5, 20, 40]
/** The first page that is not of the list any more, which holds 800 posts. */
const past = 42

/** What a page costs by its depth: in the list, and past its end. */
export async function benchPages(quick: boolean, worlds: World[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const world of worlds) {
    const reader = world.readers[0] as User
    const cursors = await walk(world, reader)
    const points = [...depths, past].map((x) => ({
      x,
      run: async (amount: number) => {
        const asking = askTimeline(reader, cursors[x])
        const { hits } = await sendAll(world.platform.urls.gateway, amount, () => asking)
        if (x < past && hits < amount) throw new Error(`page ${x} is not cached: the run is void`)
      },
    }))
    const curve = await measureCurve(world, points, {
      amount: quick ? 500 : 1_500,
      rounds: quick ? 2 : 4,
    })
    rows.push(...describe(world, curve))
    if (world.mode === 'off') continue
    const operations = await readPage(world.platform, reader, cursors[past] ?? '')
    rows.push({
      name: `page ${past}, past the list: SQL statements (${operations.join(', ')})`,
      value: operations.length,
      unit: '',
      aim: 1,
      better: 'lower',
    })
  }
  return rows
}

/** The query of every page, by its number, as each page's cursor leads to the next. */
async function walk({ platform }: World, reader: User): Promise<string[]> {
  const queries = ['', '']
  for (let page = 1; page < past; page++) {
    const { path, token } = askTimeline(reader, queries[page])
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(platform.urls.gateway + path, { headers })
    const { next_cursor: cursor } = (await answer.json()) as { next_cursor: string | null }
    if (!cursor) throw new Error(`page ${page} is the last: the run is void`)
    queries.push(`?cursor=${encodeURIComponent(cursor)}`)
  }
  return queries
}

/** The SQL that one page took. */
async function readPage(platform: Platform, reader: User, query: string): Promise<string[]> {
  const { path, token } = askTimeline(reader, query)
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(platform.urls.gateway + path, { headers })
  await answer.body?.cancel()
  await sleep(2_000)
  const operations = await readOperations(platform, answer.headers.get('x-trace-id') ?? '')
  return operations.filter(({ system }) => system === 'postgresql').map(({ name }) => name)
}

function describe({ mode }: World, curve: { x: number; y: number }[]): Row[] {
  const top = curve[0]?.y ?? Number.NaN
  return curve.slice(1).map(({ x, y }): Row => {
    const name = `page ${x} against page 1, ${mode} (${y.toFixed(0)} against ${top.toFixed(0)} us)`
    return { name, value: y / top, unit: '', better: 'lower', ...(x < past && { aim: 1.15 }) }
  })
}
