import type { Post } from './plan.ts'
import { createPicker, createRandom } from './random.ts'
import { writePassingOn, writePost } from './texts.ts'
import { planTimes } from './times.ts'
import { uuidAt } from './uuid.ts'

/** All posts, oldest first, column by column: a million of them are 17 MB. */
export type Posts = {
  at: Float64Array
  author: Uint32Array
  /** The place of the post that this one shows, or -1. */
  shared: Int32Array
  /** 1 where a share says nothing of its own. */
  wordless: Uint8Array
}

const shares = 0.06
const wordlessShares = 0.6
const recently = 2_000
const tries = 4

/**
 * Who writes when. The better known write more, but far less so than they are read: by rank to the
 * power -0.6. A few posts show an earlier one of somebody else, rather of somebody well known.
 */
export function planPosts(count: number, fame: Uint32Array, seed: string, until: number): Posts {
  const random = createRandom(seed, 'posts')
  const someone = createPicker(
    Float64Array.from(fame, (rank) => (rank + 1) ** -0.6),
    random,
  )
  const posts: Posts = {
    at: planTimes(count, seed, until),
    author: Uint32Array.from({ length: count }, someone),
    shared: new Int32Array(count).fill(-1),
    wordless: new Uint8Array(count),
  }
  const { author, shared, wordless } = posts
  const shownWithoutWords = new Set<number>()
  for (let post = 1; post < count; post++) {
    if (!random.chance(shares)) continue
    const original = chooseOriginal(post)
    if (original === undefined) continue
    shared[post] = original
    const once = author[post]! * count + original
    if (!random.chance(wordlessShares) || shownWithoutWords.has(once)) continue
    shownWithoutWords.add(once)
    wordless[post] = 1
  }
  return posts

  /** The best known author's among a few recent ones. */
  function chooseOriginal(post: number): number | undefined {
    const drawn = Array.from(
      { length: tries },
      () => post - 1 - random.below(Math.min(post, recently)),
    )
    const others = drawn.filter((one) => shared[one] === -1 && author[one] !== author[post])
    return others.sort((one, other) => fame[author[one]!]! - fame[author[other]!]!)[0]
  }
}

/** The posts with ids and words, made one by one as they are asked for. */
export function* write({ at, author, shared, wordless }: Posts, seed: string): Generator<Post> {
  const ids = createRandom(seed, 'post ids')
  const words = createRandom(seed, 'post words')
  for (let post = 0; post < at.length; post++) {
    const original = shared[post]!
    const say = original === -1 ? writePost : writePassingOn
    yield {
      id: uuidAt(at[post]!, ids),
      author: author[post]!,
      content: wordless[post] ? '' : say(words),
      at: at[post]!,
      ...(original !== -1 && { shared: original }),
    }
  }
}
