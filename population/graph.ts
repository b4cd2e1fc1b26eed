import { createPicker, createRandom, type Random } from './random.ts'

/** Who follows whom, as places in the list of people; the same place in both arrays is one follow. */
export type Graph = { follower: Uint32Array; followed: Uint32Array }
export type Shape = 'reed98' | 'powerlaw'

const reed98 = { people: 962, friendships: 18_812 }
const smallWorld = 10_000
const fewFollowed = 30
const stretch = 1.2
const rounds = 50

/**
 * Friendships that go both ways, with the size and spread of degrees of the Reed98 college network:
 * 962 people have 18,812 friendships, so 39 on average; degrees fall off exponentially and the
 * best-known person has about 300. It is not that network's data. With fewer people the degree falls
 * with the square root of their number, with more it stays.
 * `fame[person]` is 0 for whoever is best known.
 */
export function befriend(fame: Uint32Array, seed: string): Graph {
  const { length } = fame
  const random = createRandom(seed, 'friends')
  const mean = ((2 * reed98.friendships) / reed98.people) * scale(length, reed98.people)
  // The quantiles of an exponential distribution, stretched a little: the best known do not draw
  // as many different people as their weight says.
  const weights = Float64Array.from(fame, (rank) => Math.log(length / (rank + 0.5)) ** stretch)
  const someone = createPicker(weights, random)
  const wanted = Math.min(Math.round((mean * length) / 2), (length * (length - 1)) / 2)
  const pairs = drawPairs(wanted, length, (add) => {
    // Nobody is alone.
    for (let person = 0; person < length; person++) add(...ordered(person, other(person, someone)))
    return () => {
      const one = someone()
      add(...ordered(one, other(one, someone)))
    }
  })
  const follower = new Uint32Array(2 * pairs.length)
  const followed = new Uint32Array(2 * pairs.length)
  pairs.forEach((pair, place) => {
    const [low, high] = [Math.floor(pair / length), pair % length]
    follower.set([low, high], 2 * place)
    followed.set([high, low], 2 * place)
  })
  return { follower, followed }

  function other(person: number, draw: () => number): number {
    const drawn = draw()
    // Somebody heavy may draw themselves again and again.
    return drawn === person ? (person + 1 + random.below(length - 1)) % length : drawn
  }
}

/**
 * Follows that go one way. How many follow a person falls with a power (0.8) of their rank; how many
 * a person follows is exponential with mean 30, less among fewer than 1,000 people. The first, the
 * celebrity, is followed by everybody; among more than 10,000 people by 10,000 or a third, whichever is more.
 */
export function admire(fame: Uint32Array, seed: string): Graph {
  const { length } = fame
  const random = createRandom(seed, 'follows')
  const celebrity = fame.indexOf(0)
  const mean = Math.min(fewFollowed * scale(length, 1_000), (length - 1) / 2)
  const follows = Float64Array.from({ length }, () => 0.05 + random.wait())
  const admired = Float64Array.from(fame, (rank) => (rank === 0 ? 0 : (rank + 5) ** -0.8))
  const [fan, idol] = [createPicker(follows, random), createPicker(admired, random)]
  const pairs = drawPairs(Math.round(mean * length), length, (add) => {
    for (const person of fansOfCelebrity(length, celebrity, random)) add(person, celebrity)
    return () => {
      const [one, other] = [fan(), idol()]
      if (one !== other) add(one, other)
    }
  })
  return {
    follower: Uint32Array.from(pairs, (pair) => Math.floor(pair / length)),
    followed: Uint32Array.from(pairs, (pair) => pair % length),
  }
}

/** Which part of so many people follows the celebrity. */
export function fanShare(people: number): number {
  return Math.min(1, Math.max(smallWorld / people, 1 / 3))
}

function fansOfCelebrity(length: number, celebrity: number, random: Random): number[] {
  const share = fanShare(length)
  const all = Array.from({ length }, (_, person) => person)
  return all.filter((person) => person !== celebrity && (share === 1 || random.chance(share)))
}

/**
 * Draws until there are `wanted` different pairs (or nearly, where hardly more are possible), written
 * as `first * length + second` and sorted. Sorting finds those drawn twice; a set could not hold as
 * many as a million people have.
 */
function drawPairs(
  wanted: number,
  length: number,
  begin: (add: (first: number, second: number) => void) => () => void,
): Float64Array {
  let pairs = new Float64Array(Math.max(wanted, length) + length)
  let count = 0
  const draw = begin((first, second) => {
    pairs[count++] = first * length + second
  })
  for (let round = 0; round < rounds; round++) {
    count = keepDifferent(pairs.subarray(0, count))
    if (count >= wanted) break
    // Some draws add nothing, so there is an end to them too.
    for (let tries = 2 * (wanted - count); tries > 0 && count < wanted; tries--) draw()
  }
  pairs = pairs.slice(0, count)
  return pairs.subarray(0, keepDifferent(pairs))
}

/** Sorts, and moves what is there once to the front. @returns how many those are */
function keepDifferent(pairs: Float64Array): number {
  pairs.sort()
  let kept = 0
  for (const pair of pairs) if (kept === 0 || pairs[kept - 1] !== pair) pairs[kept++] = pair
  return kept
}

function ordered(one: number, other: number): [number, number] {
  return one < other ? [one, other] : [other, one]
}

function scale(count: number, full: number): number {
  return Math.sqrt(Math.min(1, count / full))
}
