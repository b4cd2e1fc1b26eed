import { registration } from '@clew/auth/schemas'
import { profileChange } from '@clew/profile/schemas'
import { expect, it } from 'vitest'
import { emailOf, password } from './login.ts'
import { origins, toAscii } from './names.ts'
import { invent, planJoining } from './people.ts'

const until = Date.parse('2026-11-21T12:00:00Z')
const name = (count: number, seed: string) => [...invent(seed, planJoining(count, seed, until))]

it('gives each a name of their own that auth and profile would have accepted', () => {
  const people = name(8_000, 'test')
  for (const { username, displayName, bio } of people) {
    registration.parse({ email: emailOf(username), username, password })
    profileChange.parse({ display_name: displayName, bio })
  }
  expect(new Set(people.map(({ username }) => username)).size).toBe(8_000)
})

it('names the same ones first when there are to be more', () => {
  const usernames = (count: number) => name(count, 'test').map(({ username }) => username)
  expect(usernames(500).slice(0, 100)).toEqual(usernames(100))
})

it('lets people of several seeds live side by side, the village without a mark', () => {
  const sets = ['village', '1', '2'].map((seed) => name(3_000, seed))
  const usernames = sets.flat().map(({ username }) => username)
  expect(new Set(usernames).size).toBe(9_000)
  expect(sets[0]?.every(({ username }) => /^[a-z]+([._]?[a-z]+)?\d*$/.test(username))).toBe(true)
})

it('has for every name one that can be typed', () => {
  for (const { first, last } of origins) {
    expect(new Set(first).size).toBe(first.length)
    for (const word of [...first, ...last]) {
      const letters = word.normalize('NFD').replace(/\p{M}/gu, '')
      expect(toAscii(word).length, word).toBeGreaterThanOrEqual(letters.length)
    }
  }
})
