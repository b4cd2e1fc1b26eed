import { expect, it } from 'vitest'
import { toUsername } from './provider-entry.ts'
import { registration } from './schemas.ts'

it.each([
  ['ada-lovelace', 'ada-lovelace'],
  ['Ada Lovelace', 'Ada_Lovelace'],
  ['ada@mail.example', 'ada'],
  ['Zoë Łukasz', 'Zoe_ukasz'],
  ['__ada', 'ada'],
  ['莉', 'user'],
  ['x', 'xuser'],
  ['a'.repeat(50), 'a'.repeat(30)],
])('%s becomes a username of ours', (name, expected) => {
  const username = toUsername(name)
  const person = { email: 'a@mail.example', password: 'correct horse', username }
  expect(registration.safeParse(person).success).toBe(true)
  expect(username).toBe(expected)
})
