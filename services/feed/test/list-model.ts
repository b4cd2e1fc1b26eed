import type { ListKind, ListQuery, Slice } from '../src/lists.ts'

type List = {
  ids: string[]
  state: 'open' | 'ended' | 'trimmed'
  claim: number
  celebrities: string[]
}

const longest = 801
const slack = 16

/** What the lists should do, said as plainly as possible and without a thought for speed. */
export function createListModel() {
  const lists = new Map<string, List>()
  let claims = 0
  const find = (kind: ListKind, id: string) => lists.get(`${kind} ${id}`)

  function cut(list: List, room = 0) {
    if (list.state === 'open' || list.ids.length <= longest + room) return
    list.ids.length = longest
    list.state = 'trimmed'
  }
  return {
    claim(kind: ListKind, id: string): number | undefined {
      if (find(kind, id)) return undefined
      lists.set(`${kind} ${id}`, { ids: [], state: 'open', claim: ++claims, celebrities: [] })
      return claims
    },
    fill(kind: ListKind, id: string, claim: number, ids: string[], end: boolean, people: string[]) {
      const list = find(kind, id)
      if (list?.claim !== claim || list.state !== 'open') return
      list.ids = newestFirst([...list.ids, ...ids])
      list.state = end ? 'ended' : 'trimmed'
      list.celebrities = people
      cut(list)
      if (list.ids.length === 0 && !end) lists.delete(`${kind} ${id}`)
    },
    push(kind: ListKind, people: string[], post: string) {
      for (const id of people) {
        const list = find(kind, id)
        const below = list?.state === 'trimmed' && post < (list.ids.at(-1) ?? '')
        if (!list || below) continue
        list.ids = newestFirst([...list.ids, post])
        // The marker that all ended lists have takes one place.
        cut(list, list.state === 'ended' ? slack - 1 : slack)
      }
    },
    remove(kind: ListKind, id: string, posts: string[]) {
      const mine = find(kind, id)
      const merged = mine?.celebrities.map((author) => ['author', author] as const) ?? []
      for (const [kindOfOne, idOfOne] of [[kind, id] as const, ...merged]) {
        const list = find(kindOfOne, idOfOne)
        if (!list) continue
        list.ids = list.ids.filter((post) => !posts.includes(post))
        const empty = list.ids.length === 0 && list.state === 'trimmed'
        if (empty) lists.delete(`${kindOfOne} ${idOfOne}`)
      }
    },
    drop: (kind: ListKind, people: string[]) => {
      for (const id of people) lists.delete(`${kind} ${id}`)
    },
    read(kind: ListKind, id: string, { below, offset, count }: ListQuery): Slice {
      const list = find(kind, id)
      const nothing = { ids: [], complete: false, known: list !== undefined, coldCelebrities: [] }
      if (!list || list.state === 'open') return nothing
      // Merging so deep is left to Postgres.
      if (list.celebrities.length > 0 && offset > 200) return nothing
      const authors = list.celebrities.map((author) => ({ author, list: find('author', author) }))
      const cold = authors.filter(({ list }) => !list || list.state === 'open')
      if (cold.length > 0) {
        return { ...nothing, coldCelebrities: cold.map(({ author }) => author) }
      }
      const all = [list, ...authors.map((celebrity) => celebrity.list as List)]
      const trimmed = all.filter(({ state }) => state === 'trimmed')
      const certainFrom =
        trimmed
          .map(({ ids }) => ids.at(-1) ?? '')
          .sort()
          .at(-1) ?? ''
      const ids = newestFirst(all.flatMap((one) => one.ids))
        .filter((post) => post >= certainFrom && (below === undefined || post < below))
        .slice(offset, offset + count)
      const complete = ids.length === count || trimmed.length === 0
      return { ...nothing, ids, complete }
    },
    ids: (kind: ListKind, id: string): string[] => find(kind, id)?.ids ?? [],
  }
}

/** Each id once. The text of ids sorts as their bytes do. */
export function newestFirst(ids: string[]): string[] {
  return [...new Set(ids)].sort().reverse()
}
