import type { Follow, Like, Person, Plan, Post } from '@clew/population/plan'
import { createRandom } from '@clew/population/random'
import { uuidAt } from '@clew/population/uuid'

/** Readers by how many they follow, authors by how many follow them. */
export const followees = [10, 100, 1_000, 5_000]
export const followers = [10, 100, 1_000, 10_000]
/** More than any author here has: all of them are pushed. */
export const celebrityFollowers = 20_000

const crowd = 10_000
const writers = 5_000
const posts = 10_000
// They write every tenth post, so that whoever follows only them has more than a whole list.
const busy = 10
const minuteMs = 60_000
// Every post is as long as every other: pages differ in whose they are, not in what they weigh.
const words = 'A day like any other, told in as many words as on all the other days. '.repeat(2)

/** The people with a part of their own; behind them in the plan stands the crowd. */
export const readers = followees.map((_, place) => place)
export const composers = followers.map((_, place) => followees.length + place)
const cast = followees.length + followers.length

/**
 * A graph with exact degrees, and 10,000 posts. The first reader follows the first ten of the crowd,
 * the next the first hundred and so on; the first ten of the crowd follow the first composer and so on.
 */
export function planExact(): Plan {
  const now = Date.now()
  return {
    people: createPeople(cast + crowd, 'exact', now),
    follows: [
      ...followees.flatMap((count, reader) => follow(count, now, (one) => [reader, cast + one])),
      ...followers.flatMap((count, place) =>
        follow(count, now, (one) => [cast + one, composers[place] ?? 0]),
      ),
    ],
    posts: createPosts(posts, 'exact', now, (place) =>
      place % 10 === 0 ? cast + ((place / 10) % busy) : cast + (place % writers),
    ),
    // Each reader likes some of what they may meet.
    likes: readers.flatMap((person) =>
      Array.from(
        { length: posts / 50 },
        (_, place): Like => ({ post: place * 50, person, at: now }),
      ),
    ),
    comments: [],
  }
}

/** Many more posts, of people whom nobody follows. */
export function planMore(count: number): Plan {
  const now = Date.now()
  const seed = `more ${count}`
  return {
    people: createPeople(writers, seed, now),
    follows: [],
    posts: createPosts(count, seed, now, (place) => place % writers),
    likes: [],
    comments: [],
  }
}

function follow(count: number, at: number, pair: (one: number) => [number, number]): Follow[] {
  return Array.from({ length: count }, (_, one) => {
    const [follower, followed] = pair(one)
    return { follower, followed, at: at - minuteMs }
  })
}

function createPeople(length: number, seed: string, now: number) {
  const tag = seed.replaceAll(' ', '_')
  return rows(length, function* (): Generator<Person> {
    const random = createRandom('bench', seed, 'people')
    for (let place = 0; place < length; place++) {
      yield {
        id: uuidAt(now - 60 * 24 * 60 * minuteMs, random),
        username: `${tag}_${place}`,
        displayName: `Person ${String(place).padStart(5, '0')}`,
        bio: '',
        joinedAt: now - 60 * 24 * 60 * minuteMs,
      }
    }
  })
}

/** Spread evenly over the last 30 days, oldest first. */
function createPosts(length: number, seed: string, now: number, author: (place: number) => number) {
  const stepMs = (30 * 24 * 60 * minuteMs) / length
  return rows(length, function* (): Generator<Post> {
    const random = createRandom('bench', seed, 'posts')
    for (let place = 0; place < length; place++) {
      const at = Math.floor(now - minuteMs - (length - place) * stepMs)
      yield { id: uuidAt(at, random), author: author(place), content: words, at }
    }
  })
}

function rows<Row>(length: number, walk: () => Iterator<Row>) {
  return { length, [Symbol.iterator]: walk }
}
