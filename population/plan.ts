import { admire, befriend, type Graph, type Shape } from './graph.ts'
import { invent, planJoining } from './people.ts'
import { planPosts, write } from './posts.ts'
import { createRandom, shuffle } from './random.ts'
import { comment, like, planReactions } from './reactions.ts'

/** Times are in milliseconds since 1970. People and posts are named by their place in the plan. */
export type Person = {
  id: string
  username: string
  displayName: string
  bio: string
  joinedAt: number
}
export type Follow = { follower: number; followed: number; at: number }
export type Post = {
  id: string
  author: number
  /** Empty in a share without words. */
  content: string
  at: number
  /** The post that this one shares: an earlier one, itself no share. */
  shared?: number
}
export type Like = { post: number; person: number; at: number }
export type Comment = { id: string; post: number; author: number; content: string; at: number }

/**
 * Rows of a kind. They are walked through more than once and must be the same each time. An array
 * will do; a million are better made as they are asked for, by an object with `[Symbol.iterator]`.
 */
export type Rows<Row> = Iterable<Row> & { readonly length: number }

/** A population before it is written. Counters are no part of it: whoever writes it counts. */
export type Plan = {
  people: Rows<Person>
  follows: Rows<Follow>
  posts: Rows<Post>
  likes: Rows<Like>
  comments: Rows<Comment>
}

export type PlanOptions = {
  people: number
  posts: number
  shape: Shape
  seed: string
  /** Nothing has happened after this. */
  until: Date
}

export const shapes: Shape[] = ['reed98', 'powerlaw']
export const limits = { people: { min: 2, max: 1_000_000 }, posts: { min: 0, max: 2_000_000 } }

/**
 * Invents people, who follows whom, their posts of the last 30 days, likes and comments.
 * The same options give the same plan, to the byte.
 * @throws RangeError naming the option that is out of its limits
 */
export function planPopulation({ people, posts, shape, seed, until }: PlanOptions): Plan {
  check('people', people)
  check('posts', posts)
  const end = until.getTime()
  const fame = shuffle(people, createRandom(seed, 'fame'))
  const joined = planJoining(people, seed, end)
  const graph = shape === 'reed98' ? befriend(fame, seed) : admire(fame, seed)
  const written = planPosts(posts, fame, seed, end)
  const { likes, comments } = planReactions(written, fame, graph, seed)
  return {
    people: rows(people, () => invent(seed, joined)),
    follows: rows(graph.follower.length, () => follow(graph, joined, seed, end)),
    posts: rows(posts, () => write(written, seed)),
    likes: rows(likes.post.length, () => like(likes, written, seed, end)),
    comments: rows(comments.post.length, () => comment(comments, written, seed, end)),
  }
}

/** The follows, made one by one as they are asked for: some time after both had joined. */
function* follow(
  { follower, followed }: Graph,
  joined: Float64Array,
  seed: string,
  until: number,
): Generator<Follow> {
  const random = createRandom(seed, 'follow times')
  for (let place = 0; place < follower.length; place++) {
    const [one, other] = [follower[place]!, followed[place]!]
    const first = Math.max(joined[one]!, joined[other]!)
    const at = Math.floor(first + random.fraction() * (until - first))
    yield { follower: one, followed: other, at }
  }
}

function rows<Row>(length: number, walk: () => Iterator<Row>): Rows<Row> {
  return { length, [Symbol.iterator]: walk }
}

function check(name: 'people' | 'posts', value: number): void {
  const { min, max } = limits[name]
  if (Number.isInteger(value) && value >= min && value <= max) return
  const range = `from ${min} to ${max.toLocaleString('en')}`
  throw new RangeError(`${name} is a whole number ${range}`)
}
