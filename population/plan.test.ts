import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { planPopulation } from './plan.ts'
import { planVillage } from './village.ts'

const until = new Date('2026-11-21T12:00:00Z')
const monthMs = 30 * 86_400_000
const usual = { people: 100, posts: 1_000, shape: 'powerlaw', seed: 'test', until } as const
const idForm = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

function digest(options: Parameters<typeof planPopulation>[0]): string {
  const hash = createHash('sha256')
  for (const rows of Object.values(planPopulation(options))) hash.update(JSON.stringify([...rows]))
  return hash.digest('hex')
}

describe('a plan', () => {
  it('is the same for the same options and another for others', () => {
    const plans = [
      usual,
      { ...usual, seed: 'other' },
      { ...usual, shape: 'reed98' as const },
      { ...usual, people: 101 },
      { ...usual, until: new Date(until.getTime() + 1) },
    ]
    const digests = plans.map(digest)
    expect(plans.map(digest)).toEqual(digests)
    expect(new Set(digests).size).toBe(plans.length)
  })

  it('has as many rows as it says, and the same each time they are walked', () => {
    for (const rows of Object.values(planPopulation(usual))) {
      const once = [...rows]
      expect(once.length).toBe(rows.length)
      expect([...rows]).toEqual(once)
    }
  })

  it('refuses what is out of its limits', () => {
    expect(() => planPopulation({ ...usual, people: 1 })).toThrow(
      'people is a whole number from 2 to 1,000,000',
    )
    expect(() => planPopulation({ ...usual, posts: Number.NaN })).toThrow(RangeError)
    expect(() => planPopulation({ ...usual, posts: 0.5 })).toThrow(RangeError)
  })

  it.each([2, 3, 7])('is whole with %i people and with no posts', (people) => {
    for (const shape of ['reed98', 'powerlaw'] as const) {
      const plan = planPopulation({ ...usual, shape, people, posts: 0 })
      expect(plan.people.length).toBe(people)
      expect(plan.follows.length).toBeGreaterThan(0)
      expect(plan.likes.length).toBe(0)
    }
  })
})

describe('the times of a plan', () => {
  const plan = planPopulation(usual)
  const people = [...plan.people]
  const posts = [...plan.posts]
  const end = until.getTime()

  it('are before its end, and posts are of the last 30 days', () => {
    const all = [...plan.follows, ...plan.likes, ...plan.comments]
    expect(all.filter(({ at }) => at > end)).toEqual([])
    expect(posts.filter(({ at }) => at >= end || at < end - monthMs)).toEqual([])
  })

  it('put nothing before what it needs', () => {
    const early = Array.from(plan.follows).filter(
      ({ follower, followed, at }) =>
        at < people[follower]!.joinedAt || at < people[followed]!.joinedAt,
    )
    const hasty = posts.filter(
      ({ author, at, shared = 0 }) => at < people[author]!.joinedAt || at < posts[shared]!.at,
    )
    const reactions = [...plan.likes, ...plan.comments]
    const premature = reactions.filter(({ post, at }) => at <= posts[post]!.at)
    expect([early, hasty, premature]).toEqual([[], [], []])
  })

  it('are in the ids, in milliseconds, and no id is there twice', () => {
    const dated = [
      ...people.map(({ id, joinedAt }) => ({ id, at: joinedAt })),
      ...posts,
      ...plan.comments,
    ]
    for (const { id, at } of dated) {
      expect(id).toMatch(idForm)
      expect(Number.parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(at)
    }
    expect(new Set(dated.map(({ id }) => id)).size).toBe(dated.length)
  })

  it('keep the hours of the day', () => {
    const hours = new Uint32Array(24)
    for (const { at } of posts) hours[new Date(at).getUTCHours()]! += 1
    const between = (first: number, last: number) =>
      hours.slice(first, last).reduce((sum, count) => sum + count, 0)
    expect(between(18, 22)).toBeGreaterThan(5 * between(1, 5))
  })
})

describe('the village', () => {
  it('has the same people whenever it is planned', () => {
    const names = (date: string) =>
      Array.from(planVillage(new Date(date)).people, ({ username }) => username)
    expect(names('2026-11-21')).toEqual(names('2030-01-01'))
  })

  it('gives everybody more than a page to read', () => {
    const plan = planVillage(until)
    const written = new Uint32Array(plan.people.length)
    for (const { author } of plan.posts) written[author]! += 1
    const toRead = written.slice()
    for (const { follower, followed } of plan.follows) toRead[follower]! += written[followed]!
    expect(Math.min(...toRead)).toBeGreaterThan(20)
  })
})
