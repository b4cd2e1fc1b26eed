import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPosts } from '../src/store/posts.ts'
import { readEverywhere } from './everywhere.ts'
import { readFacts } from './facts.ts'
import { type Answer, type Person, type Service, startService } from './service.ts'

let service: Service
let alice: Person
let bob: Person
let redis: RedisClientType

beforeAll(async () => {
  service = await startService()
  redis = createClient({ url: service.redisUrl })
  await redis.connect()
  alice = await service.person()
  bob = await service.person()
})
afterAll(async () => {
  redis.destroy()
  await service[Symbol.asyncDispose]()
})

function write(person: Person, body: unknown): Promise<Answer> {
  return service.ask('POST', '/api/posts', { token: person.token, body })
}

test('a post is answered whole', async () => {
  const answer = await write(alice, { content: 'Hello, "world"\n' })
  expect(answer.status).toBe(201)
  expect(Object.keys(answer.body)).toEqual([
    'id',
    'user_id',
    'author',
    'content',
    'media',
    'created_at',
    'updated_at',
    'like_count',
    'comment_count',
    'liked',
  ])
  expect(answer.body).toMatchObject({
    user_id: alice.id,
    author: { user_id: alice.id, username: alice.username },
    content: 'Hello, "world"\n',
    media: [],
    like_count: 0,
    comment_count: 0,
    liked: false,
  })
})

test('the next read has it: alone, on the author page and in the own timeline', async () => {
  for (let round = 0; round < 5; round++) {
    const { body: post } = await write(alice, { content: `round ${round}` })
    const seen = await readEverywhere(service, alice, post.id)
    expect(seen.single.body).toEqual(post)
    expect(seen.page).toEqual(post)
    expect(seen.timeline).toEqual(post)
  }
})

const family = '👩‍👩‍👧‍👦'

test.each([
  ['500 characters, each of many code points', { content: family.repeat(500) }, 201],
  ['501 of them', { content: `${family.repeat(500)}!` }, 422],
  ['500 letters', { content: 'x'.repeat(500) }, 201],
  ['501 letters', { content: 'x'.repeat(501) }, 422],
  ['500 marks on one letter each', { content: 'e\u0301'.repeat(500) }, 201],
  ['one letter with 8,001 marks', { content: `e${'\u0301'.repeat(8_001)}` }, 422],
  ['nothing', { content: '' }, 422],
  ['spaces', { content: ' \t\n\u00a0\u3000' }, 422],
  ['what nobody sees', { content: '\u200b\u200d\ufeff\u2060\u00ad' }, 422],
  ['a null byte', { content: 'a\0b' }, 422],
  ['no content', {}, 422],
  ['a number', { content: 7 }, 422],
  ['a field of our own making', { content: 'x', like_count: 9 }, 422],
  ['five pictures', { content: 'x', media_ids: Array.from({ length: 5 }, () => uuid()) }, 422],
  ['a picture that is no id', { content: 'x', media_ids: ['cat.png'] }, 422],
  ['a picture that is nothing', { content: 'x', media_ids: [null] }, 422],
  ['no list of pictures', { content: 'x', media_ids: uuid() }, 422],
  ['a list', [], 400],
  ['a word', '"hello"', 400],
  ['broken JSON', '{"content":', 400],
  ['a long body', JSON.stringify({ content: 'x'.repeat(70_000) }), 413],
])('%s', async (_what, body, status) => {
  const answer = await write(alice, body)
  expect(answer.status).toBe(status)
  if (status === 422) expect(answer.body.errors.length).toBeGreaterThan(0)
  if (status >= 400) {
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
  }
})

test('what is not JSON', async () => {
  const headers = { 'content-type': 'text/plain' }
  const options = { token: alice.token, body: 'content=x', headers }
  expect((await service.ask('POST', '/api/posts', options)).status).toBe(415)
})

test('many lines and quotes survive every way to read them', async () => {
  const content = `"}{'\\ \u2028 </script> ${family} \u{10ffff}\u0007`
  const { body: post } = await write(alice, { content })
  const seen = await readEverywhere(service, alice, post.id)
  expect([seen.single.body.content, seen.page.content, seen.timeline.content]).toEqual(
    Array(3).fill(content),
  )
})

test('an edit is seen at once, everywhere', async () => {
  const { body: post } = await write(alice, { content: 'before' })
  const share = await service.ask('POST', `/api/posts/${post.id}/share`, {
    token: bob.token,
    body: { content: 'look' },
  })
  await readEverywhere(service, alice, post.id)
  const edit = await service.ask('PATCH', `/api/posts/${post.id}`, {
    token: alice.token,
    body: { content: 'after' },
  })
  expect(edit.status).toBe(200)
  expect(edit.body).toEqual({ ...post, content: 'after', updated_at: edit.body.updated_at })
  expect(edit.body.updated_at > post.updated_at).toBe(true)
  for (let round = 0; round < 3; round++) {
    const seen = await readEverywhere(service, alice, post.id)
    expect([seen.single.body, seen.page, seen.timeline]).toEqual(Array(3).fill(edit.body))
    const shared = await readEverywhere(service, bob, share.body.id)
    for (const found of [shared.single.body, shared.page, shared.timeline]) {
      expect(found.shared_post.content).toBe('after')
    }
  }
})

test('an edit is not undone by somebody who read the post before it', async () => {
  const { body: post } = await write(alice, { content: 'old' })
  await redis.del(`feed:post:${post.id}`)
  const path = `/api/posts/${post.id}`
  // Many readers load the old text while it changes.
  const readers = Array.from({ length: 40 }, () => service.ask('GET', path))
  const edit = await service.ask('PATCH', path, { token: alice.token, body: { content: 'new' } })
  const after = await service.ask('GET', path)
  await Promise.all(readers)
  expect(edit.body.content).toBe('new')
  expect(after.body.content).toBe('new')
  expect((await service.ask('GET', path)).body.content).toBe('new')
  // For as long as the old text may be on its way, nobody fills anything in.
  expect(await redis.get(`feed:post:${post.id}`)).toBe('?')
  expect(await redis.ttl(`feed:post:${post.id}`)).toBeGreaterThan(0)
})

test('an author who likes their post is told so by the edit', async () => {
  const { body: post } = await write(alice, { content: 'mine' })
  const path = `/api/posts/${post.id}`
  await service.ask('POST', `${path}/like`, { token: alice.token })
  const options = { token: alice.token, body: { content: 'still mine' } }
  expect((await service.ask('PATCH', path, options)).body).toMatchObject({
    liked: true,
    like_count: 1,
  })
})

test('what is deleted is gone everywhere', async () => {
  const { body: post } = await write(alice, { content: 'soon gone' })
  const path = `/api/posts/${post.id}`
  const share = (content: string) =>
    service.ask('POST', `${path}/share`, { token: bob.token, body: { content } })
  const [worded, wordless] = [(await share('look')).body, (await share('')).body]
  await service.ask('POST', `${path}/like`, { token: bob.token })
  await service.ask('POST', `${path}/comments`, { token: bob.token, body: { content: 'nice' } })
  await Promise.all([
    readEverywhere(service, alice, post.id),
    readEverywhere(service, bob, worded.id),
    readEverywhere(service, bob, wordless.id),
  ])
  const { status, body } = await service.ask('DELETE', path, { token: alice.token })
  expect([status, body]).toEqual([204, ''])
  for (const [person, id] of [
    [alice, post.id],
    [bob, wordless.id],
  ] as const) {
    const seen = await readEverywhere(service, person, id)
    expect([seen.single.status, seen.page, seen.timeline]).toEqual([404, undefined, undefined])
  }
  const seen = await readEverywhere(service, bob, worded.id)
  for (const found of [seen.single.body, seen.page, seen.timeline]) {
    expect(found).toMatchObject({ content: 'look', shared_post: null })
  }
  const attempts: [string, string, object?][] = [
    ['GET', path],
    ['PATCH', path, { content: 'x' }],
    ['DELETE', path],
    ['POST', `${path}/like`],
    ['DELETE', `${path}/like`],
    ['POST', `${path}/comments`, { content: 'x' }],
    ['GET', `${path}/comments`],
    ['POST', `${path}/share`, {}],
    ['POST', `/api/posts/${worded.id}/share`, {}],
  ]
  for (const [method, to, sent] of attempts) {
    const answer = await service.ask(method, to, {
      token: alice.token,
      ...(sent && { body: sent }),
    })
    expect([method, to, answer.status]).toEqual([method, to, 404])
  }
  const left = await service.owner.query('select 1 from likes where post_id = $1', [post.id])
  expect(left).toEqual([])
})

test('shares of what was deleted go, or stand alone, in portions', async () => {
  const { body: post } = await write(alice, { content: 'soon gone' })
  const people = await Promise.all(Array.from({ length: 5 }, () => service.person()))
  const share = async ({ token }: Person, content: string): Promise<string> => {
    const options = { token, body: { content } }
    return (await service.ask('POST', `/api/posts/${post.id}/share`, options)).body.id
  }
  const wordless = await Promise.all(people.map((person) => share(person, '')))
  const worded = await Promise.all(people.slice(0, 3).map((person) => share(person, 'look')))
  await service.ask('DELETE', `/api/posts/${post.id}`, { token: alice.token })
  const { deleteWordlessShares, detachShares } = createPosts(service.owner)
  const portions = async (take: typeof detachShares) => {
    const taken = [await take(post.id, 2), await take(post.id, 2), await take(post.id, 2)]
    return { sizes: taken.map(({ length }) => length), ids: taken.flat().sort() }
  }
  const gone = await portions(deleteWordlessShares)
  expect(gone).toEqual({ sizes: [2, 2, 1], ids: wordless.sort() })
  expect(await portions(detachShares)).toEqual({ sizes: [2, 1, 0], ids: worded.sort() })
  const left = await service.owner.query('select shared_post_id from posts where id = any($1)', [
    [...wordless, ...worded],
  ])
  expect(left).toEqual(Array(3).fill({ shared_post_id: null }))
})

test('the facts that were published', async () => {
  const carol = await service.person()
  const { body: post } = await write(carol, { content: 'a fact' })
  const path = `/api/posts/${post.id}`
  const ask = (method: string, to: string, body?: object) =>
    service.ask(method, to, { token: carol.token, ...(body && { body }) })
  await ask('PATCH', path, { content: 'another' })
  await ask('POST', `${path}/like`)
  await ask('DELETE', `${path}/like`)
  const { body: comment } = await ask('POST', `${path}/comments`, { content: 'a remark' })
  const { body: share } = await ask('POST', `${path}/share`)
  await ask('DELETE', path)
  const of = { post_id: post.id, user_id: carol.id }
  const by = { ...of, author_id: carol.id }
  expect(await readFacts(service, post.id, 7)).toEqual([
    ['post.created', { ...of, media_ids: [], shared_post_id: null, created_at: post.created_at }],
    ['post.updated', of],
    ['post.liked', { ...by, like_count: 1, comment_count: 0, version: 1, liked: true }],
    ['post.unliked', { ...by, like_count: 0, comment_count: 0, version: 2, liked: false }],
    [
      'post.commented',
      { ...by, comment_id: comment.id, like_count: 0, comment_count: 1, version: 3 },
    ],
    [
      'post.created',
      {
        post_id: share.id,
        user_id: carol.id,
        shared_post_id: post.id,
        media_ids: [],
        created_at: share.created_at,
      },
    ],
    ['post.deleted', of],
  ])
})
