import type { Graph } from './graph.ts'
import type { Comment, Like } from './plan.ts'
import type { Posts } from './posts.ts'
import { createRandom, type Random } from './random.ts'
import { writeComment } from './texts.ts'
import { uuidAt } from './uuid.ts'

/** Who did something to which post; the same place in both arrays is one like or comment. */
export type Reactions = { post: Uint32Array; person: Uint32Array }

const likesPerPost = 6
const commentsPerLike = 0.12
const fromFollowers = 0.85
const patienceMs = 6 * 3_600_000

/**
 * Likes: 6 a post on average (less among few people), by the author's rank to the power -1 (Zipf) and
 * luck; mostly of followers, nobody twice, nobody their own.
 * Comments: about one for eight likes, the same person as often as they please.
 */
export function planReactions(
  posts: Posts,
  fame: Uint32Array,
  graph: Graph,
  seed: string,
): { likes: Reactions; comments: Reactions } {
  const random = createRandom(seed, 'reactions')
  const { author } = posts
  const appeal = Float64Array.from(author, (person) => random.wait() ** 0.5 / (fame[person]! + 1))
  const total = appeal.reduce((sum, one) => sum + one, 0)
  const mean = Math.min(likesPerPost, fame.length / 4)
  const ofPost = (post: number) => (appeal[post]! / total) * mean * author.length
  const draw = createAudience(fame.length, graph, random)
  const counts = (part: number, most: number) =>
    Uint32Array.from(author, (_, post) =>
      Math.min(most, Math.floor(part * ofPost(post) + random.fraction())),
    )
  const likes = counts(1, fame.length - 1)
  const comments = counts(commentsPerLike, 1_000)

  const lastLiked = new Int32Array(fame.length).fill(-1)
  return {
    likes: collect(likes, (post) => {
      const person = draw(author[post]!)
      if (person === author[post] || lastLiked[person] === post) return undefined
      lastLiked[person] = post
      return person
    }),
    comments: collect(comments, (post) => draw(author[post]!)),
  }
}

/** The likes, made one by one as they are asked for. */
export function* like(
  { post, person }: Reactions,
  { at }: Posts,
  seed: string,
  until: number,
): Generator<Like> {
  const random = createRandom(seed, 'like times')
  for (let place = 0; place < post.length; place++) {
    const time = soonAfter(at[post[place]!]!, until, random)
    yield { post: post[place]!, person: person[place]!, at: time }
  }
}

/** The comments, made one by one as they are asked for. */
export function* comment(
  { post, person }: Reactions,
  { at }: Posts,
  seed: string,
  until: number,
): Generator<Comment> {
  const random = createRandom(seed, 'comment times')
  const words = createRandom(seed, 'comment words')
  for (let place = 0; place < post.length; place++) {
    const time = soonAfter(at[post[place]!]!, until, random)
    const id = uuidAt(time, random)
    yield { id, post: post[place]!, author: person[place]!, content: writeComment(words), at: time }
  }
}

/** Within hours rather than days, and before `until`. */
function soonAfter(began: number, until: number, random: Random): number {
  const time = began + 1_000 + random.wait() * patienceMs
  const last = began + 1_000 + random.fraction() * (until - began - 2_000)
  return Math.floor(time < until ? time : last)
}

/** Draws up to `counts[post]` people for every post; a draw may give nobody, and is then made again a few times. */
function collect(counts: Uint32Array, draw: (post: number) => number | undefined): Reactions {
  const most = counts.reduce((sum, count) => sum + count, 0)
  const post = new Uint32Array(most)
  const person = new Uint32Array(most)
  let found = 0
  counts.forEach((wanted, place) => {
    const goal = found + wanted
    for (let tries = 3 * wanted; tries > 0 && found < goal; tries--) {
      const drawn = draw(place)
      if (drawn === undefined) continue
      post[found] = place
      person[found++] = drawn
    }
  })
  return { post: post.subarray(0, found), person: person.subarray(0, found) }
}

/** Gives a function that draws somebody who reads this author: a follower mostly. */
function createAudience(people: number, { follower, followed }: Graph, random: Random) {
  // The followers of a person are those from begin[person] to begin[person + 1].
  const begin = new Uint32Array(people + 1)
  for (const person of followed) begin[person + 1]! += 1
  for (let person = 0; person < people; person++) begin[person + 1]! += begin[person]!
  const next = begin.slice()
  const followers = new Uint32Array(followed.length)
  followed.forEach((person, place) => {
    followers[next[person]!++] = follower[place]!
  })
  return (author: number) => {
    const first = begin[author]!
    const count = begin[author + 1]! - first
    if (count === 0 || !random.chance(fromFollowers)) return random.below(people)
    return followers[first + random.below(count)]!
  }
}
