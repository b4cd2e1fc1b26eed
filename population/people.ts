import { origins, toAscii } from './names.ts'
import type { Person } from './plan.ts'
import { createRandom, type Random } from './random.ts'
import { tellOfSelf } from './texts.ts'
import { uuidAt } from './uuid.ts'

const dayMs = 86_400_000
const longestName = 30
/** The seed whose people need no tag, since they are there first. */
export const villageSeed = 'village'

/** When each of them joined: one to thirteen months before `until`, so that all of them could have written in the last month. */
export function planJoining(count: number, seed: string, until: number): Float64Array {
  const random = createRandom(seed, 'joining')
  return Float64Array.from({ length: count }, () =>
    Math.floor(until - (31 + 365 * random.fraction()) * dayMs),
  )
}

/**
 * The people, made one by one as they are asked for. Their names come from the seed alone: the same
 * seed names the same people at any time, and more people begin with the same ones.
 */
export function* invent(seed: string, joined: Float64Array): Generator<Person> {
  const random = createRandom(seed, 'people')
  const taken = new Map<string, number>()
  const tag = tagOf(seed)
  for (const joinedAt of joined) {
    const home = random.pick(origins)
    // Some have moved, or their parents have.
    const roots = random.chance(0.08) ? random.pick(origins) : home
    const [first, last] = [random.pick(home.first), random.pick(roots.last)]
    const base = shorten(random, toAscii(first), toAscii(last))
    const before = taken.get(base) ?? 0
    taken.set(base, before + 1)
    const username = `${base}${before ? before + 1 : ''}${tag}`
    yield {
      id: uuidAt(joinedAt, random),
      username,
      displayName: `${first} ${last}`,
      bio: tellOfSelf(random, random.pick(home.towns)),
      joinedAt,
    }
  }
}

/** People of several seeds live side by side only if their names differ. */
function tagOf(seed: string): string {
  if (seed === villageSeed) return ''
  return `.${createRandom(seed, 'tag').word().toString(36).padStart(4, '0').slice(-4)}`
}

/** Leaves room for a number of up to six digits and for the tag. */
function shorten(random: Random, first: string, last: string): string {
  const styles = [`${first}_${last}`, `${first}.${last}`, `${first}${last}`, `${first[0]}${last}`]
  const style = random.pick(styles)
  return style.slice(0, longestName - 11)
}
