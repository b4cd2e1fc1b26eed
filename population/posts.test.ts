import { describe, expect, it } from 'vitest'
import { planPopulation } from './plan.ts'
import { slope } from './test/slope.ts'

const until = new Date('2026-11-21T12:00:00Z')
const plan = planPopulation({
  people: 1_000,
  posts: 20_000,
  shape: 'powerlaw',
  seed: 'test',
  until,
})
const posts = [...plan.posts]

describe('posts', () => {
  it('are of 20 to 280 characters and seldom say the same', () => {
    const texts = posts.map(({ content }) => content).filter((content) => content !== '')
    expect(texts.filter(({ length }) => length < 20 || length > 280)).toEqual([])
    expect(new Set(texts).size).toBeGreaterThan(0.6 * texts.length)
  })

  it('hold nothing of the grammar they were made by', () => {
    const texts = [...posts, ...plan.comments].map(({ content }) => content)
    expect(texts.filter((text) => /[{}\t\n]|undefined/.test(text))).toEqual([])
  })

  it('make pages of at least 4 KB', () => {
    const people = [...plan.people]
    for (let first = 0; first + 20 <= posts.length; first += 1_000) {
      const page = posts.slice(first, first + 20).map(({ id, author, content, at }) => {
        const { id: user_id, username, displayName: display_name } = people[author]!
        const card = { user_id, username, display_name, avatar_url: null }
        return { id, user_id, author: card, content, created_at: new Date(at) }
      })
      expect(JSON.stringify(page).length).toBeGreaterThan(4_096)
    }
  })

  it('show earlier posts of others now and then, the same one without words once', () => {
    const shares = posts.filter(({ shared }) => shared !== undefined)
    expect(shares.length / posts.length).toBeGreaterThan(0.03)
    expect(shares.length / posts.length).toBeLessThan(0.1)
    posts.forEach(({ shared, author }, place) => {
      if (shared === undefined) return
      expect(shared).toBeLessThan(place)
      expect(posts[shared]?.shared).toBeUndefined()
      expect(posts[shared]?.author).not.toBe(author)
    })
    const wordless = shares.filter(({ content }) => content === '')
    const once = new Set(wordless.map(({ author, shared }) => `${author} ${shared}`))
    expect(once.size).toBe(wordless.length)
    expect(wordless.length).toBeGreaterThan(0)
    expect(wordless.length).toBeLessThan(shares.length)
    expect(posts.filter(({ content, shared }) => content === '' && shared === undefined)).toEqual(
      [],
    )
  })
})

describe('likes', () => {
  it('are of nobody twice, nor of the author, and so never more than there are people', () => {
    const likes = [...plan.likes]
    expect(likes.filter(({ post, person }) => person === posts[post]?.author)).toEqual([])
    const once = new Set(likes.map(({ post, person }) => `${post} ${person}`))
    expect(once.size).toBe(likes.length)
  })

  it('fall by the rank of the author, as Zipf has it', () => {
    const written = new Uint32Array(plan.people.length)
    const liked = new Uint32Array(plan.people.length)
    for (const { author } of posts) written[author]! += 1
    for (const { post } of plan.likes) liked[posts[post]!.author]! += 1
    const falling = [...liked]
      .map((likes, person) => likes / Math.max(1, written[person]!))
      .sort((one, other) => other - one)
    expect(slope(falling, 1, 200)).toBeCloseTo(-1, 0)
    expect(slope(falling, 1, 200)).toBeLessThan(-0.8)
    expect(slope(falling, 1, 200)).toBeGreaterThan(-1.2)
  })

  it('are mostly of those who follow the author', () => {
    const follows = new Set<string>()
    for (const { follower, followed } of plan.follows) follows.add(`${follower} ${followed}`)
    const likes = [...plan.likes]
    const ofFollowers = likes.filter(({ post, person }) =>
      follows.has(`${person} ${posts[post]!.author}`),
    )
    expect(ofFollowers.length / likes.length).toBeGreaterThan(0.7)
  })

  it('are bounded by the people there are', () => {
    const small = planPopulation({ people: 3, posts: 500, shape: 'powerlaw', seed: 'test', until })
    const counts = new Uint32Array(500)
    for (const { post } of small.likes) counts[post]! += 1
    expect(Math.max(...counts)).toBe(2)
  })
})

it('has comments that feed would accept', () => {
  expect(plan.comments.length).toBeGreaterThan(plan.likes.length / 20)
  const texts = Array.from(plan.comments, ({ content }) => content)
  expect(texts.filter(({ length }) => length < 1 || length > 200)).toEqual([])
})
