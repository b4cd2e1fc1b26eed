import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Person, type Service, startService } from './service.ts'

// Exact: a span, a statement or a round trip more is a decision, and is made here and in README.md.
let service: Service
let alice: Person
let post: string

const publish = ['publish events:feed', 'INSERT outbox']
const announce = ['SET post', 'EVAL author', 'EVAL timeline']

beforeAll(async () => {
  service = await startService()
  alice = await service.person()
  post = (await ask('POST', '/api/posts', { content: 'the first' })).body.id
})
afterAll(() => service[Symbol.asyncDispose]())

function ask(method: string, path: string, body?: object): Promise<Answer> {
  return service.ask(method, path, { token: alice.token, ...(body && { body }) })
}

test('a post is one transaction', async () => {
  const answer = await ask('POST', '/api/posts', { content: 'hello' })
  const expected = ['POST /api/posts', 'BEGIN', 'INSERT posts', ...publish, 'COMMIT', ...announce]
  expect(await service.spanNames(answer)).toEqual(expected)
})

test('the first post of a person asks who they are, once', async () => {
  const bob = await service.person()
  const write = () =>
    service.ask('POST', '/api/posts', { token: bob.token, body: { content: 'I am new' } })
  expect((await service.spanNames(await write())).slice(0, 5)).toEqual([
    'POST /api/posts',
    'SELECT authors',
    'GET /api/users/{id}',
    'INSERT authors',
    'BEGIN',
  ])
  expect((await service.spanNames(await write()))[1]).toBe('BEGIN')
})

test('to like, to like again, and to like no longer', async () => {
  const path = `/api/posts/${post}/like`
  const liked = await ask('POST', path)
  const again = await ask('POST', path)
  const unliked = await ask('DELETE', path)
  const never = await ask('DELETE', path)
  expect(await service.spanNames(liked)).toEqual([
    'POST /api/posts/{id}/like',
    'BEGIN',
    'INSERT likes',
    'UPDATE posts',
    ...publish,
    'COMMIT',
    'EVAL counts',
  ])
  expect(await service.spanNames(again)).toEqual([
    'POST /api/posts/{id}/like',
    'BEGIN',
    'INSERT likes',
    'SELECT posts',
    'COMMIT',
    'EVAL counts',
  ])
  expect(await service.spanNames(unliked)).toEqual([
    'DELETE /api/posts/{id}/like',
    'BEGIN',
    'DELETE likes',
    'UPDATE posts',
    ...publish,
    'COMMIT',
    'EVAL counts',
  ])
  expect(await service.spanNames(never)).toEqual([
    'DELETE /api/posts/{id}/like',
    'BEGIN',
    'DELETE likes',
    'SELECT posts',
    'COMMIT',
    'EVAL counts',
  ])
})

test('to comment, and to read comments', async () => {
  const path = `/api/posts/${post}/comments`
  expect(await service.spanNames(await ask('GET', path))).toEqual([
    'GET /api/posts/{id}/comments',
    'SELECT comments',
    'SELECT posts',
  ])
  expect(await service.spanNames(await ask('POST', path, { content: 'nice' }))).toEqual([
    'POST /api/posts/{id}/comments',
    'BEGIN',
    'INSERT comments',
    'UPDATE posts',
    ...publish,
    'COMMIT',
    'EVAL counts',
  ])
  expect(await service.spanNames(await ask('GET', path))).toEqual([
    'GET /api/posts/{id}/comments',
    'SELECT comments',
  ])
})

test('to share', async () => {
  const path = `/api/posts/${post}/share`
  expect(await service.spanNames(await ask('POST', path))).toEqual([
    'POST /api/posts/{id}/share',
    'BEGIN',
    'INSERT posts',
    ...publish,
    'COMMIT',
    ...announce,
    'MGET post',
  ])
  const again = await ask('POST', path)
  expect(await service.spanNames(again)).toEqual([
    'POST /api/posts/{id}/share',
    'BEGIN',
    'INSERT posts',
    'SELECT posts',
    'ROLLBACK',
  ])
  const spans = service.spans().filter((span) => span.traceId === again.headers.get('x-trace-id'))
  expect(spans.map((span) => span.status)).toEqual(Array(5).fill('unset'))
})

test('to change and to delete', async () => {
  const { body } = await ask('POST', '/api/posts', { content: 'soon another' })
  const path = `/api/posts/${body.id}`
  expect(await service.spanNames(await ask('PATCH', path, { content: 'another' }))).toEqual([
    'PATCH /api/posts/{id}',
    'BEGIN',
    'UPDATE posts',
    ...publish,
    'COMMIT',
    'SET post',
  ])
  expect(await service.spanNames(await ask('DELETE', path))).toEqual([
    'DELETE /api/posts/{id}',
    'BEGIN',
    'SELECT posts',
    'DELETE posts',
    ...publish,
    'COMMIT',
    'SET post',
  ])
  expect(await service.spanNames(await ask('DELETE', path))).toEqual([
    'DELETE /api/posts/{id}',
    'BEGIN',
    'SELECT posts',
    'ROLLBACK',
  ])
})

test('nothing that anybody wrote is on a span or in a log', async () => {
  const { body } = await ask('POST', '/api/posts', { content: 'Zanzibar' })
  await ask('PATCH', `/api/posts/${body.id}`, { content: 'Xylophone' })
  await ask('POST', `/api/posts/${body.id}/comments`, { content: 'Quagmire' })
  await service.spanNames(
    await ask('POST', `/api/posts/${body.id}/share`, { content: 'Yggdrasil' }),
  )
  const text = JSON.stringify([service.spans(), service.logs()], (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  for (const secret of ['Zanzibar', 'Xylophone', 'Quagmire', 'Yggdrasil', alice.username]) {
    expect(text).not.toContain(secret)
  }
})
