import type { Metrics } from '@clew/telemetry/statsd'
import type { Following } from './following.ts'
import { longest } from './list-scripts/format.ts'
import type { ListKind, Lists } from './lists.ts'
import type { Place, Store } from './store.ts'

/** Fewer than asked for are all there are. `hit` when neither Postgres nor profile was needed. */
export type Ids = { ids: string[]; hit: boolean }
export type ReadIds = (kind: ListKind, id: string, place: Place) => Promise<Ids>
type Deps = { lists: Lists; store: Store; following: Following; metrics: Metrics }

const tags = { timeline: { cache: 'timeline' }, author: { cache: 'author' } }

/**
 * Pages of post ids: from the list in Redis, or else from Postgres, which builds the list anew.
 * Those who miss the same list at once wait until one has built it, and then read it.
 * Deeper than a list reaches, each page is one statement that begins where the last page ended.
 */
export function createListReader({ lists, store, following, metrics }: Deps): ReadIds {
  const building = new Map<string, Promise<unknown>>()

  async function readIds(kind: ListKind, id: string, place: Place): Promise<Ids> {
    const slice = await lists.read(kind, id, place)
    // Once for each page, however often the list is looked at for it.
    metrics.count(slice?.complete ? 'cache.hit' : 'cache.miss', tags[kind])
    if (slice?.complete) return { ids: slice.ids, hit: true }
    if (!slice) return readPostgres(kind, id, place)
    const name = `${kind}:${id}`
    const running = building.get(name)
    if (running) {
      // What is pushed meanwhile, such as a post of their own, is in the list, not in what is loaded.
      // Whoever builds may fail, as with a neighbour that is back by now: that is not theirs.
      await running.catch(() => {})
      return readAgain(kind, id, place)
    }
    if (!slice.known) return once(name, build(kind, id, place))
    // Deeper, the lists may not reach: filling them first could cost a statement more.
    const first = place.below === undefined && place.offset === 0
    if (first && slice.coldCelebrities.length > 0) {
      return readWarm(kind, id, place, slice.coldCelebrities)
    }
    return readPostgres(kind, id, place)
  }

  async function readAgain(kind: ListKind, id: string, place: Place): Promise<Ids> {
    const slice = await lists.read(kind, id, place)
    if (slice?.complete) return { ids: slice.ids, hit: false }
    return readPostgres(kind, id, place)
  }

  async function once<Result>(name: string, started: Promise<Result>): Promise<Result> {
    building.set(name, started)
    try {
      return await started
    } finally {
      // Those whose read was answered together with the fill still find it here.
      setImmediate(() => building.delete(name))
    }
  }

  function build(kind: ListKind, id: string, place: Place): Promise<Ids> {
    return kind === 'timeline' ? buildTimeline(id, place) : buildAuthor(id, place)
  }

  async function buildTimeline(reader: string, place: Place): Promise<Ids> {
    const token = await lists.claim('timeline', reader)
    const followed = await following.read(reader)
    const built = await store.rebuildTimeline(reader, followed.ids, place)
    const { newest, page, celebrities, crowded } = built
    if (token) {
      const ids = newest.slice(0, longest)
      const end = newest.length <= longest
      await lists.fill('timeline', reader, token, ids, end, celebrities, crowded)
    }
    return { ids: page, hit: false }
  }

  async function buildAuthor(author: string, place: Place): Promise<Ids> {
    const token = await lists.claim('author', author)
    const { newest, page } = await store.rebuildAuthor(author, place)
    if (token) {
      await lists.fill('author', author, token, newest.slice(0, longest), newest.length <= longest)
    }
    return { ids: page, hit: false }
  }

  /** Fills the lists of celebrities that are missing, with one statement for all. */
  async function readWarm(kind: ListKind, id: string, place: Place, cold: string[]): Promise<Ids> {
    const name = cold.join()
    await (building.get(name)?.catch(() => {}) ?? once(name, warm(cold)))
    return readAgain(kind, id, place)
  }

  async function warm(authors: string[]): Promise<void> {
    const tokens = await lists.claimAll('author', authors)
    if (tokens.size === 0) return
    const rows = await store.listNewest([...tokens.keys()])
    const filled = rows.flatMap(({ author, ids }) => {
      const token = tokens.get(author)
      const end = ids.length <= longest
      return token ? [{ id: author, token, ids: ids.slice(0, longest), end }] : []
    })
    await lists.fillAll('author', filled)
  }

  async function readPostgres(kind: ListKind, id: string, place: Place): Promise<Ids> {
    const authors = kind === 'author' ? [id] : [...(await following.read(id)).ids, id]
    return { ids: await store.listIds(authors, place), hit: false }
  }

  return readIds
}
