import { expect, test } from 'vitest'
import { newConversation, newMessage, sendEvent } from './schemas.ts'

const to = '0190a000-0000-7000-8000-000000000001'
const draft = { to, body: 'hello', client_id: 'c:1.a-b_C' }

const good: [string, object][] = [
  ['to a person', draft],
  ['to a conversation', { ...draft, to: undefined, conversation_id: to }],
  ['of 4,096 bytes', { ...draft, body: 'é'.repeat(2_048) }],
  ['of an emoji', { ...draft, body: '👩‍👩‍👧' }],
]
test.each(good)('a message %s is taken', (_, message) => {
  expect(newMessage.safeParse(message).success).toBe(true)
  expect(sendEvent.safeParse({ ...message, _trace: 'anything' }).success).toBe(true)
})

const bad: [string, object, string][] = [
  ['to nobody', { ...draft, to: undefined }, 'to'],
  ['to two', { ...draft, conversation_id: to }, 'to'],
  ['to no id', { ...draft, to: 'bob' }, 'to'],
  ['of 4,098 bytes', { ...draft, body: 'é'.repeat(2_049) }, 'body'],
  ['of nothing', { ...draft, body: '' }, 'body'],
  ['of white space', { ...draft, body: ' \n\t\u200b\u3000' }, 'body'],
  ['with a null byte', { ...draft, body: 'a\0b' }, 'body'],
  ['with half a character', { ...draft, body: 'a\ud83d' }, 'body'],
  ['of a number', { ...draft, body: 5 }, 'body'],
  ['without a client_id', { ...draft, client_id: undefined }, 'client_id'],
  ['with a long client_id', { ...draft, client_id: 'c'.repeat(65) }, 'client_id'],
  ['with a client_id of other characters', { ...draft, client_id: 'a b' }, 'client_id'],
]
test.each(bad)('a message %s is refused', (_, message, field) => {
  for (const schema of [newMessage, sendEvent]) {
    const fields = schema.safeParse(message).error?.issues.map((issue) => issue.path[0])
    expect(new Set(fields)).toEqual(new Set([field]))
  }
})

test('ids are compared in one way of writing', () => {
  expect(newMessage.parse({ ...draft, to: to.toUpperCase() }).to).toBe(to)
  expect(newConversation.safeParse({ members: [to, to.toUpperCase()] }).success).toBe(false)
})
