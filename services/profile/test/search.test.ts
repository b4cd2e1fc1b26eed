import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Service, startService } from './service.ts'

let service: Service

beforeAll(async () => {
  service = await startService()
  for (const name of ['alice', 'alice_2', 'bob', 'johnsmith', 'Марія', 'percent%off']) {
    const person = await service.person(name)
    if (name !== 'johnsmith') continue
    await service.ask('POST', `/api/users/${person.id}/profile`, {
      token: person.token,
      body: { display_name: 'Samuel Johnson' },
    })
  }
})
afterAll(() => service[Symbol.asyncDispose]())

async function search(q: string, more = '') {
  return service.ask('GET', `/api/users/search?q=${encodeURIComponent(q)}${more}`)
}

async function found(q: string): Promise<string[]> {
  const { body } = await search(q)
  return body.results.map((profile: { username: string }) => profile.username)
}

test.each([
  ['the name itself, before longer ones', 'alice', ['alice', 'alice_2']],
  ['capitals', 'ALICE', ['alice', 'alice_2']],
  ['two letters swapped', 'alcie', ['alice', 'alice_2']],
  ['a letter wrong', 'alise', ['alice', 'alice_2']],
  ['a letter too many', 'allice', ['alice', 'alice_2']],
  ['a letter missing', 'alce', ['alice', 'alice_2']],
  ['the beginning', 'al', ['alice', 'alice_2']],
  ['a word of the display name, misspelt', 'jonson', ['johnsmith']],
  ['another alphabet, misspelt', 'Мария', ['Марія']],
  ['what means something in SQL', '%', []],
  ['nobody', 'xyzzy', []],
])('finds %s', async (_, q, names) => {
  expect(await found(q)).toEqual(names)
})

test('says what was sought, how many there are, and shows no more than asked for', async () => {
  const { status, body } = await search('alice', '&limit=1')
  expect(status).toBe(200)
  expect(body).toMatchObject({ query: 'alice', total: 2, limit: 1 })
  expect(body.results).toHaveLength(1)
  expect(Object.keys(body.results[0])).toEqual([
    'user_id',
    'username',
    'display_name',
    'bio',
    'avatar_url',
    'follower_count',
    'following_count',
    'created_at',
  ])
})

test('among people equally alike the most followed comes first', async () => {
  const [first, second] = [await service.person('twin_1'), await service.person('twin_2')]
  expect(await found('twin')).toEqual(['twin_1', 'twin_2'])
  await service.ask('POST', `/api/users/${second.id}/follow`, { token: first.token })
  expect(await found('twin')).toEqual(['twin_2', 'twin_1'])
})

test.each(['q=', 'q=%20', '', 'q=%00', `q=${'x'.repeat(101)}`])('%s is refused', async (query) => {
  const answer = await service.ask('GET', `/api/users/search?${query}`)
  expect(answer.status).toBe(422)
  expect(answer.body.errors[0].field).toBe('q')
})

test.each(['0', '51', 'many'])('a limit of %s is refused', async (limit) => {
  expect((await search('alice', `&limit=${limit}`)).status).toBe(422)
})
