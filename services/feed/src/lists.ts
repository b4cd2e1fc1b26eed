import { randomBytes } from 'node:crypto'
import { jitter } from '@clew/kit/lifetime'
import type { Overdue } from '@clew/kit/overdue'
import type { Redis } from '@clew/kit/redis'
import { separateIds } from './id-text.ts'
import { keyOf, keysOf, type ListKind } from './list-keys.ts'
import { aheadKey } from './list-scripts/ahead.ts'
import { claimList } from './list-scripts/claim.ts'
import { fillList } from './list-scripts/fill.ts'
import { longest } from './list-scripts/format.ts'
import { crowdedMark, readList } from './list-scripts/read.ts'
import { removeFromLists } from './list-scripts/remove.ts'
import { createListWriter } from './list-writer.ts'
import { fromRaw, toRaw } from './raw-ids.ts'

export type { ListKind }
export type ListQuery = {
  /** The id to start below; the top of the list without one. */
  below?: string | undefined
  offset: number
  count: number
}
export type Slice = {
  /** Newest first, without duplicates. Empty while celebrities are cold. */
  ids: string[]
  /** These are certain: as many as asked for, or all there are. */
  complete: boolean
  /** There is a list, be it one that is being built. */
  known: boolean
  /** Celebrities this person follows whose own lists must be filled before this one can be read. */
  coldCelebrities: string[]
}
/** See `fill`. */
export type Filling = {
  id: string
  token: Token
  ids: string[]
  end: boolean
  celebrities?: string[]
  crowded?: boolean
}
/** Whoever holds it may fill what it has claimed, until the list is dropped. */
export type Token = Buffer
export type Lists = ReturnType<typeof createLists>

const lifeMs = 300_000
// Posts of those celebrities who are not merged in reach a list only when it is built.
const crowdedLifeMs = 60_000
const claimMs = 5_000

const unknown: Slice = { ids: [], complete: false, known: false, coldCelebrities: [] }

/** Lists of post ids in Redis: a page of a timeline is one read, whatever the number followed. */
export function createLists(redis: Redis, overdue: Overdue) {
  const writer = createListWriter(redis)

  /** One round trip; undefined when Redis is away. A timeline includes the reader's celebrities. */
  async function read(kind: ListKind, id: string, query: ListQuery): Promise<Slice | undefined> {
    return overdue.has(keyOf(kind, id)) ? unknown : readSlice(kind, id, query)
  }

  function readSlice(kind: ListKind, id: string, query: ListQuery): Promise<Slice | undefined> {
    const below = query.below === undefined ? '' : toRaw([query.below])
    const values = [below, `${query.offset}`, `${query.count}`, `${jitter(lifeMs)}`]
    return redis.attempt({
      command: 'EVAL',
      on: kind,
      send: async (client) => toSlice(await readList(client, keysOf(kind, id), values)),
      outcome: ({ complete }) => ({ 'cache.hit': complete }),
    })
  }

  /**
   * Before loading a list that is not there: what is pushed from now on is kept for it.
   * Gives nothing when somebody else builds it, or Redis is away: then there is nothing to fill.
   */
  async function claim(kind: ListKind, id: string): Promise<Token | undefined> {
    return (await claimAll(kind, [id])).get(id)
  }

  /** Claims several at once; gives those that may be filled. */
  async function claimAll(kind: ListKind, all: string[]): Promise<Map<string, Token>> {
    const ids = all.filter((id) => !overdue.has(keyOf(kind, id)))
    const tokens = new Map(ids.map((id) => [id, createToken()]))
    if (ids.length === 0) return tokens
    const claimed = await redis.attempt({
      command: 'EVAL',
      on: kind,
      batch: ids.length,
      send: (client) =>
        Promise.all(
          [...tokens].map(([id, token]) =>
            claimList<number>(client, keysOf(kind, id), [token, `${claimMs}`]),
          ),
        ),
    })
    return new Map([...tokens].filter((_, at) => claimed?.[at]))
  }

  /**
   * Fills what was claimed, together with what was pushed meanwhile; nothing when the claim is gone.
   * @param ids newest first, as many as a list holds
   * @param end these are all there are
   * @param celebrities for a timeline: those whose own lists are to be merged in
   * @param crowded there are more celebrities, whose posts are in `ids` but will not be pushed
   */
  function fill(
    kind: ListKind,
    id: string,
    token: Token,
    ids: string[],
    end: boolean,
    celebrities: string[] = [],
    crowded = false,
  ): Promise<void> {
    return fillAll(kind, [{ id, token, ids, end, celebrities, crowded }])
  }

  /** Fills several at once. */
  async function fillAll(kind: ListKind, all: Filling[]): Promise<void> {
    const some = all.filter(({ id }) => !overdue.has(keyOf(kind, id)))
    if (some.length === 0) return
    await redis.attempt({
      command: 'EVAL',
      on: kind,
      batch: some.length,
      send: (client) =>
        Promise.all(
          some.map(({ id, token, ids, end, celebrities = [], crowded = false }) => {
            const keys = kind === 'timeline' ? [...keysOf(kind, id), aheadKey] : keysOf(kind, id)
            const life = `${jitter(crowded ? crowdedLifeMs : lifeMs)}`
            const merged = celebrities.join('') + (crowded ? crowdedMark : '')
            const values = [token, toRaw(ids), end ? '1' : '0', life, merged, `${longest}`]
            return fillList(client, keys, values)
          }),
        ),
    })
  }

  /** Runs a write; when it fails, those lists are passed by until they are dropped. */
  async function orDrop(kind: ListKind, people: string[], write: () => Promise<unknown>) {
    try {
      await write()
    } catch (error) {
      overdue.dropAfter(
        error,
        people.flatMap((id) => keysOf(kind, id)),
      )
    }
  }

  return {
    read,
    claim,
    claimAll,
    fill,
    fillAll,
    /** Puts a post into a list of its author's. */
    pushOwn: (kind: ListKind, authorId: string, postId: string) =>
      orDrop(kind, [authorId], () => writer.pushOwn(kind, authorId, postId)),
    /** Takes out posts that are no more. Leaves the rest alone when Redis is away. */
    remove: (kind: ListKind, id: string, postIds: string[]) =>
      redis.attempt({
        command: 'EVAL',
        on: kind,
        batch: postIds.length,
        send: (client) => removeFromLists(client, keysOf(kind, id), [toRaw(postIds)]),
      }),
  }
}

function toSlice([found, raw, cold]: [number, Buffer, Buffer]): Slice {
  return {
    ids: fromRaw(raw),
    complete: found === 2,
    known: found > 0,
    coldCelebrities: cold.length > 0 ? separateIds(cold.toString()) : [],
  }
}

/** The marker OPEN: eight zero bytes, then eight that are not. */
function createToken(): Token {
  const token = randomBytes(16).fill(0, 0, 8)
  // It must not be the marker END.
  token[15] = (token[15] ?? 0) | 1
  return token
}
