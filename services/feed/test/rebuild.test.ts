import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openTestDatabase } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStore, type Store } from '../src/store.ts'

// What a timeline is built of, against all posts sorted.
const stack = new AsyncDisposableStack()
let postgres: Postgres
let store: Store
let time = Date.UTC(2026, 5, 1)

beforeAll(async () => {
  postgres = stack.use(openPostgres(stack.use(await openTestDatabase('feed')).url))
  store = createStore(postgres)
})
afterAll(() => stack.disposeAsync())

/** Ids of authors who take turns; each writes as many posts as its place in `counts` says. */
async function write(counts: number[], celebrity = false) {
  const authors = counts.map(() => uuid()).sort()
  await postgres.query(
    `insert into authors (id, username, display_name, celebrity)
     select id, 'a', 'a', $2 from unnest($1::uuid[]) id`,
    [authors, celebrity],
  )
  const rows: [string, string][] = []
  for (let round = 0; round < Math.max(...counts); round++) {
    for (const [at, author] of authors.entries()) {
      if (round < (counts[at] ?? 0)) rows.push([uuid({ msecs: time++ }), author])
    }
  }
  await postgres.query(
    `insert into posts (id, user_id, content)
     select id, author, 'x' from unnest($1::uuid[], $2::uuid[]) made (id, author)`,
    [rows.map(([id]) => id), rows.map(([, author]) => author)],
  )
  return { authors, ids: rows.map(([id]) => id).reverse() }
}

function newestOf(...ids: string[][]): string[] {
  return ids.flat().sort().reverse()
}

const villages: [string, number[]][] = [
  ['nobody wrote', [0, 0]],
  ['few wrote little', [3, 16, 17, 40]],
  ['few wrote a lot', [1_000, 5, 900]],
  ['many wrote little', Array(120).fill(12)],
  ['of many, one writes most of it', [1_200, ...Array(80).fill(15)]],
  ['of many, one wrote long ago', [...Array(80).fill(40), 16]],
]

test.each(villages)('the newest are found where %s', async (_, counts) => {
  const { authors, ids } = await write(counts)
  const all = newestOf(ids)
  for (const place of [
    { offset: 0, count: 21 },
    { offset: 0, count: 21, below: all[700] ?? all[5] },
    { offset: 0, count: 21, below: all[790] ?? all[5] },
    { offset: 0, count: 51, below: all[1_000] ?? all.at(-1) },
    { offset: 300, count: 21 },
  ]) {
    const built = await store.rebuildTimeline(uuid(), authors, place)
    expect(built.newest).toEqual(all.slice(0, 802))
    const from = place.below ? all.indexOf(place.below) + 1 : 0
    const start = from + place.offset
    expect(built.page).toEqual(all.slice(start, start + place.count))
    expect(built).toMatchObject({ celebrities: [], crowded: false })
  }
})

test.each([30, 33])(
  'of %i celebrities thirty are merged in, and those beyond are in the list',
  async (many) => {
    const people = await write([40, 40])
    const stars = await write(Array(many).fill(30), true)
    const followed = [...people.authors, ...stars.authors]
    const all = newestOf(people.ids, stars.ids)
    const beyond = await store.listIds(stars.authors.slice(30), { offset: 0, count: 2_000 })
    for (const below of [undefined, all[100], all[950]]) {
      const built = await store.rebuildTimeline(uuid(), followed, { offset: 0, count: 21, below })
      const from = below ? all.indexOf(below) + 1 : 0
      expect(built.page).toEqual(all.slice(from, from + 21))
      expect(built.celebrities.sort()).toEqual(stars.authors.slice(0, 30))
      expect(built.crowded).toBe(many > 30)
      expect(built.newest).toEqual(newestOf(people.ids, beyond))
    }
  },
)

test('the list of an author, and a page of it at any depth', async () => {
  const { authors, ids } = await write([900])
  for (const from of [0, 5, 790, 880]) {
    const place = { offset: 0, count: 21, below: from ? ids[from - 1] : undefined }
    const built = await store.rebuildAuthor(authors[0] ?? '', place)
    expect(built).toEqual({ newest: ids.slice(0, 802), page: ids.slice(from, from + 21) })
  }
})
