import { createHash } from 'node:crypto'

export type Random = {
  /** 32 random bits as a whole number. */
  word(): number
  /** From 0 to below 1. */
  fraction(): number
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  pick<Item>(list: readonly Item[]): Item
  /** True with this probability. */
  chance(probability: number): boolean
  /** Exponentially distributed with mean 1: mostly small, now and then large. */
  wait(): number
}

/**
 * Random numbers that are the same for the same words, on every machine. Each use has its own stream
 * (`createRandom(seed, 'likes')`), so that a change in one place does not move all others.
 * The generator is sfc32: small, fast and good enough for anything but secrets.
 */
export function createRandom(...words: string[]): Random {
  const digest = createHash('sha256').update(words.join('\0')).digest()
  let a = digest.readInt32LE(0)
  let b = digest.readInt32LE(4)
  let c = digest.readInt32LE(8)
  let counter = digest.readInt32LE(12)

  function word(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  const fraction = () => word() / 2 ** 32
  const below = (limit: number) => Math.floor(fraction() * limit)
  return {
    word,
    fraction,
    below,
    pick: (list) => list[below(list.length)]!,
    chance: (probability) => fraction() < probability,
    wait: () => -Math.log(1 - fraction()),
  }
}

/** Every number from 0 to below `count`, in random order. */
export function shuffle(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, place) => place)
  for (let last = count - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const kept = order[last]!
    order[last] = order[other]!
    order[other] = kept
  }
  return order
}

/**
 * Picks places of a list by their weights, at the same cost for any number of them
 * (the alias method of Walker and Vose).
 */
export function createPicker(weights: Float64Array, random: Random): () => number {
  const { length } = weights
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / length
  const share = weights.map((weight) => weight / mean)
  const alias = Uint32Array.from({ length }, (_, place) => place)
  const poor: number[] = []
  const rich: number[] = []
  for (let place = 0; place < length; place++) (share[place]! < 1 ? poor : rich).push(place)
  while (poor.length > 0 && rich.length > 0) {
    const taker = poor.pop()!
    const giver = rich.pop()!
    alias[taker] = giver
    share[giver]! -= 1 - share[taker]!
    ;(share[giver]! < 1 ? poor : rich).push(giver)
  }
  // What is left in either list is 1, but for rounding.
  for (const place of [...poor, ...rich]) share[place] = 1
  return () => {
    const place = random.below(length)
    return random.fraction() < share[place]! ? place : alias[place]!
  }
}
