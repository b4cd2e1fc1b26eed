import { describe, expect, it } from 'vitest'
import { admire, befriend, fanShare, type Graph } from './graph.ts'
import { createRandom, shuffle } from './random.ts'
import { slope } from './test/slope.ts'

const fameOf = (count: number) => shuffle(count, createRandom('test', 'fame'))

function degrees({ follower, followed }: Graph, count: number) {
  const following = new Uint32Array(count)
  const followers = new Uint32Array(count)
  for (const person of follower) following[person]! += 1
  for (const person of followed) followers[person]! += 1
  return { following, followers }
}

function pairsOf({ follower, followed }: Graph): string[] {
  return Array.from(follower, (person, place) => `${person} ${followed[place]}`)
}

describe.each([
  ['befriend', befriend],
  ['admire', admire],
])('%s', (_, draw) => {
  it.each([2, 3, 10, 60, 962])('has nobody follow themselves or twice, of %i', (count) => {
    const graph = draw(fameOf(count), 'test')
    expect(graph.follower.some((person, place) => person === graph.followed[place])).toBe(false)
    const pairs = pairsOf(graph)
    expect(new Set(pairs).size).toBe(pairs.length)
  })
})

describe('friendships', () => {
  const graph = befriend(fameOf(962), 'test')
  const { followers, following } = degrees(graph, 962)

  it('are as many as at Reed College, and spread as there', () => {
    expect(graph.follower.length).toBe(2 * 18_812)
    expect(Math.max(...followers)).toBeGreaterThan(250)
    expect(Math.max(...followers)).toBeLessThan(376)
    expect(Math.min(...followers)).toBeGreaterThan(0)
    const sorted = [...followers].sort((one, other) => one - other)
    // Half have clearly fewer than the mean of 39.
    expect(sorted[481]).toBeGreaterThan(18)
    expect(sorted[481]).toBeLessThan(34)
  })

  it('go both ways', () => {
    expect(followers).toEqual(following)
    const pairs = new Set(pairsOf(graph))
    const back = Array.from(graph.follower, (person, place) => `${graph.followed[place]} ${person}`)
    expect(back.every((pair) => pairs.has(pair))).toBe(true)
  })

  it('are fewer for each where people are few, and as many where they are more', () => {
    const mean = (count: number) => befriend(fameOf(count), 'test').follower.length / count
    expect(mean(60)).toBeCloseTo((37_624 / 962) * Math.sqrt(60 / 962), 1)
    expect(mean(4_000)).toBeCloseTo(37_624 / 962, 1)
  })
})

describe('follows', () => {
  it('fall by a power of the rank, from the celebrity whom everybody follows', () => {
    const fame = fameOf(4_000)
    const { followers, following } = degrees(admire(fame, 'test'), 4_000)
    const falling = [...followers].sort((one, other) => other - one)
    expect(followers[fame.indexOf(0)]).toBe(3_999)
    expect(falling[1]).toBeLessThan(2_000)
    expect(slope(falling, 20, 1_000)).toBeCloseTo(-0.8, 1)
    expect(Math.min(...following.filter((_, person) => fame[person] !== 0))).toBeGreaterThan(0)
    expect(followers.reduce((sum, count) => sum + count, 0)).toBe(30 * 4_000)
  })

  it('let everybody follow the celebrity of 10,000, and a third that of very many', () => {
    expect([2, 10_000, 20_000, 30_000, 1_000_000].map(fanShare)).toEqual([1, 1, 0.5, 1 / 3, 1 / 3])
    const count = 11_000
    const fame = fameOf(count)
    const { followers } = degrees(admire(fame, 'test'), count)
    expect(followers[fame.indexOf(0)]! / 10_000).toBeCloseTo(1, 1)
    expect(followers[fame.indexOf(0)]).toBeLessThan(count - 1)
  })
})
