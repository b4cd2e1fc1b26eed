import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

async function write(): Promise<string> {
  const options = { token: alice.token, body: { content: 'say something' } }
  return (await service.ask('POST', '/api/posts', options)).body.id
}

function comment(id: string, body: unknown): Promise<Answer> {
  return service.ask('POST', `/api/posts/${id}/comments`, { token: bob.token, body })
}

function list(id: string, query = ''): Promise<Answer> {
  return service.ask('GET', `/api/posts/${id}/comments${query}`)
}

test('a comment is answered whole, and counted', async () => {
  const id = await write()
  const { status, body } = await comment(id, { content: 'First!' })
  expect(status).toBe(201)
  expect(body).toEqual({
    id: body.id,
    post_id: id,
    user_id: bob.id,
    author: {
      user_id: bob.id,
      username: bob.username,
      display_name: expect.any(String),
      avatar_url: null,
    },
    content: 'First!',
    created_at: body.created_at,
  })
  expect((await list(id)).body).toEqual({ comments: [body], count: 1, next_cursor: null })
  expect((await service.ask('GET', `/api/posts/${id}`)).body.comment_count).toBe(1)
})

test('no comments yet is an empty page', async () => {
  const { status, body } = await list(await write())
  expect([status, body]).toEqual([200, { comments: [], count: 0, next_cursor: null }])
})

test('pages, newest first, that others do not disturb', async () => {
  const id = await write()
  for (let index = 0; index < 7; index++) await comment(id, { content: `remark ${index}` })
  const seen: string[] = []
  let query = '?limit=3'
  for (let page = 0; page < 3; page++) {
    const { body } = await list(id, query)
    seen.push(...body.comments.map(({ content }: { content: string }) => content))
    expect(body.count).toBe(body.comments.length)
    expect(body.next_cursor === null).toBe(page === 2)
    query = `?limit=3&cursor=${body.next_cursor}`
    await comment(id, { content: 'meanwhile' })
  }
  expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((index) => `remark ${index}`))
})

test('queries that are refused', async () => {
  const [id, other] = [await write(), await write()]
  for (let index = 0; index < 2; index++) {
    await comment(id, { content: 'x' })
    await comment(other, { content: 'x' })
  }
  const { next_cursor: cursor } = (await list(id, '?limit=1')).body
  expect((await list(id, `?cursor=${cursor}&unknown=1`)).status).toBe(200)
  expect((await list(other, `?cursor=${cursor}`)).status).toBe(400)
  expect((await list(id, `?cursor=${cursor}x`)).status).toBe(400)
  expect((await list(id, '?cursor=')).status).toBe(400)
  for (const limit of ['0', '-1', '51', '1000000000', '1.5', 'many', '']) {
    expect([limit, (await list(id, `?limit=${limit}`)).status]).toEqual([limit, 422])
  }
})

test.each([
  ['200 characters', { content: '🇪🇺'.repeat(200) }, 201],
  ['201 characters', { content: '🇪🇺'.repeat(201) }, 422],
  ['nothing', { content: '' }, 422],
  ['what nobody sees', { content: ' \u200b ' }, 422],
  ['an unknown field', { content: 'x', post_id: uuid() }, 422],
  ['broken JSON', '{', 400],
  ['a long body', { content: 'x'.repeat(70_000) }, 413],
])('%s', async (_what, body, status) => {
  expect((await comment(await write(), body)).status).toBe(status)
})

test('a post that is not there', async () => {
  for (const id of [uuid(), 'x']) {
    expect((await comment(id, { content: 'x' })).status).toBe(404)
    expect((await list(id)).status).toBe(404)
  }
})

test('counts are exact after 200 comments of 20 people at once', async () => {
  const id = await write()
  const people = await Promise.all(Array.from({ length: 20 }, () => service.person()))
  await Promise.all(
    people.map(async ({ token }) => {
      for (let turn = 0; turn < 10; turn++) {
        const options = { token, body: { content: `remark ${turn}` } }
        const answer = await service.ask('POST', `/api/posts/${id}/comments`, options)
        expect(answer.status).toBe(201)
      }
    }),
  )
  const [post] = await service.owner.query(
    `select comment_count, (select count(*)::int from comments where post_id = posts.id) as comments
     from posts where id = $1`,
    [id],
  )
  expect(post).toEqual({ comment_count: 200, comments: 200 })
  expect((await service.ask('GET', `/api/posts/${id}`)).body.comment_count).toBe(200)
})
