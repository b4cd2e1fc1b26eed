import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPosts } from '../src/store/posts.ts'
import { readEverywhere } from './everywhere.ts'
import { type Answer, type Person, type Service, startService } from './service.ts'

let service: Service
let alice: Person
let bob: Person

beforeAll(async () => {
  service = await startService()
  alice = await service.person()
  bob = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

async function write() {
  const options = { token: alice.token, body: { content: 'share me' } }
  return (await service.ask('POST', '/api/posts', options)).body
}

function share(person: Person, id: string, body?: unknown): Promise<Answer> {
  const options = { token: person.token, ...(body !== undefined && { body }) }
  return service.ask('POST', `/api/posts/${id}/share`, options)
}

test('a share holds the original, and is found everywhere', async () => {
  const { liked, ...post } = await write()
  const { status, body } = await share(bob, post.id, { content: 'look at this' })
  expect(status).toBe(201)
  expect(body).toMatchObject({ user_id: bob.id, content: 'look at this', media: [], liked: false })
  expect(body.shared_post).toEqual(post)
  const seen = await readEverywhere(service, bob, body.id)
  expect([seen.single.body, seen.page, seen.timeline]).toEqual([body, body, body])
})

test('without words only once, with words as often as one likes', async () => {
  const post = await write()
  const statuses = []
  for (const body of [undefined, {}, { content: '' }, { content: ' \u200b' }]) {
    statuses.push((await share(bob, post.id, body)).status)
  }
  expect(statuses).toEqual([201, 409, 409, 409])
  for (let round = 0; round < 2; round++) {
    expect((await share(bob, post.id, { content: 'again' })).status).toBe(201)
  }
  expect((await share(alice, post.id)).status).toBe(201)
})

test('without words only once, also when asked twenty times at once', async () => {
  const post = await write()
  const answers = await Promise.all(Array.from({ length: 20 }, () => share(bob, post.id)))
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
})

test('to share a share is to share the original', async () => {
  const post = await write()
  const { body: first } = await share(bob, post.id, { content: 'look' })
  const carol = await service.person()
  const { body: second } = await share(carol, first.id)
  expect(second.shared_post.id).toBe(post.id)
  expect((await share(carol, first.id)).status).toBe(409)
  expect((await share(carol, post.id)).status).toBe(409)
})

test('the counts of the original show in its shares', async () => {
  const post = await write()
  const { body } = await share(bob, post.id)
  await service.ask('POST', `/api/posts/${post.id}/like`, { token: alice.token })
  const seen = await readEverywhere(service, bob, body.id)
  for (const found of [seen.single.body, seen.page, seen.timeline]) {
    expect(found).toMatchObject({ like_count: 0, liked: false, shared_post: { like_count: 1 } })
  }
})

test.each([
  ['501 characters', { content: 'x'.repeat(501) }, 422],
  ['an unknown field', { content: 'x', media_ids: [] }, 422],
  ['a number', { content: 1 }, 422],
  ['broken JSON', '{', 400],
  ['a long body', { content: 'x'.repeat(70_000) }, 413],
])('%s', async (_what, body, status) => {
  const post = await write()
  expect((await share(bob, post.id, body)).status).toBe(status)
})

test('a post that is not there', async () => {
  for (const id of [uuid(), 'x']) expect((await share(bob, id, {})).status).toBe(404)
})

test('shared while it is deleted: no share is missed by who deletes the shares then', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, () => service.person()))
  // So that each is known, and all shares are made at once.
  const other = await write()
  await Promise.all(people.map((person) => share(person, other.id)))
  for (let round = 0; round < 5; round++) {
    const post = await write()
    const [deleted, ...answers] = await Promise.all([
      service.ask('DELETE', `/api/posts/${post.id}`, { token: alice.token }),
      ...people.map((person) => share(person, post.id)),
    ])
    expect(deleted.status).toBe(204)
    for (const { status } of answers) expect([201, 404]).toContain(status)
    const shared = answers.filter(({ status }) => status === 201)
    const gone = await createPosts(service.owner).deleteWordlessShares(post.id, 100)
    expect(gone.sort()).toEqual(shared.map(({ body }) => body.id).sort())
  }
})
