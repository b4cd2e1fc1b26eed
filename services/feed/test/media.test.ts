import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readEverywhere } from './everywhere.ts'
import { readFacts } from './facts.ts'
import {
  type Answer,
  type Person,
  type Service,
  shownMedia,
  startService,
  waitUntil,
} from './service.ts'
import { cacheOf, createVillage } from './village.ts'

let service: Service
let redis: RedisClientType
let alice: Person
let bob: Person

beforeAll(async () => {
  service = await startService()
  redis = createClient({ url: service.redisUrl })
  await redis.connect()
  alice = await service.person()
  bob = await service.person()
  for (const person of [alice, bob]) await write(person)
})
afterAll(async () => {
  redis.destroy()
  await service[Symbol.asyncDispose]()
})

function write(person: Person, media_ids?: unknown): Promise<Answer> {
  const body = { content: 'look', ...(media_ids !== undefined && { media_ids }) }
  return service.ask('POST', '/api/posts', { token: person.token, body })
}

/** All that is stored of this person's posts. */
function postsOf(person: Person): Promise<object[]> {
  return service.owner.query('select id from posts where user_id = $1', [person.id])
}

test('four pictures are shown in the order they were named in, wherever the post is', async () => {
  const ids = service.media.upload(alice, 4).reverse()
  const { status, body: post } = await write(alice, ids)
  expect(status).toBe(201)
  expect(post.media).toEqual(ids.map(shownMedia))
  expect(service.media.asked.at(-1)).toEqual({
    post_id: post.id,
    user_id: alice.id,
    media_ids: ids,
  })
  const share = await service.ask('POST', `/api/posts/${post.id}/share`, { token: bob.token })
  const { liked, ...original } = post
  for (const _ of ['from Redis', 'from Postgres']) {
    const seen = await readEverywhere(service, alice, post.id)
    expect([seen.single.body, seen.page, seen.timeline]).toEqual([post, post, post])
    const shared = await readEverywhere(service, bob, share.body.id)
    for (const found of [shared.single.body, shared.page, shared.timeline]) {
      expect(found).toMatchObject({ media: [], shared_post: original })
    }
    await redis.del([`feed:post:${post.id}`, `feed:post:${share.body.id}`])
  }
  const edit = { token: alice.token, body: { content: 'look again' } }
  const edited = await service.ask('PATCH', `/api/posts/${post.id}`, edit)
  expect(edited.body.media).toEqual(post.media)
})

test('the fact names them, and that of a share names none', async () => {
  const ids = service.media.upload(alice, 2)
  const { body: post } = await write(alice, ids)
  await service.ask('POST', `/api/posts/${post.id}/share`, { token: bob.token })
  const facts = await readFacts(service, post.id, 2)
  expect(facts.map(([, fact]) => fact)).toMatchObject([
    { post_id: post.id, media_ids: ids },
    { shared_post_id: post.id, media_ids: [] },
  ])
})

test('the call comes before the transaction; without media there is none', async () => {
  const rest = ['BEGIN', 'INSERT posts', 'publish events:feed', 'INSERT outbox', 'COMMIT']
  const announce = ['SET post', 'EVAL author', 'EVAL timeline']
  const use = 'POST /internal/media/uses'
  const pictured = await write(alice, service.media.upload(alice, 4))
  expect(await service.spanNames(pictured)).toEqual(['POST /api/posts', use, ...rest, ...announce])
  const trace = pictured.headers.get('x-trace-id')
  const spans = service.spans().filter((span) => span.traceId === trace)
  const [call, parent] = ['CLIENT', 'SERVER'].map((kind) => spans.find((s) => s.kind === kind))
  expect(call).toMatchObject({ name: use, parentId: parent?.id })
  for (const none of [undefined, []]) {
    const plain = await write(alice, none)
    expect(await service.spanNames(plain)).toEqual(['POST /api/posts', ...rest, ...announce])
  }
})

test.each([
  ['five', () => service.media.upload(alice, 5), 'media_ids'],
  ['the same twice, however it is written', twice, 'media_ids'],
  ['what is no id', () => ['cat.png'], 'media_ids.0'],
  ['nothing', () => [null], 'media_ids.0'],
  ['no list', () => uuid(), 'media_ids'],
])('%s: refused without asking media', async (_what, make, field) => {
  const asked = service.media.asked.length
  const answer = await write(alice, make())
  expect(answer).toMatchObject({ status: 422 })
  expect(answer.body.errors[0].field).toBe(field)
  expect(service.media.asked).toHaveLength(asked)
})

function twice(): string[] {
  const [id = ''] = service.media.upload(alice)
  return [id, id.toUpperCase()]
}

test.each([
  ['unknown', () => uuid()],
  ['somebody else’s', () => service.media.upload(bob)[0]],
  ['broken', broken],
])('%s: refused by media, the field is named, and nothing is stored', async (_what, make) => {
  const before = await postsOf(alice)
  const [good] = service.media.upload(alice)
  const answer = await write(alice, [good, make()])
  expect(answer).toMatchObject({
    status: 422,
    body: { errors: [{ field: 'media_ids.1', message: 'cannot be used' }] },
  })
  expect(await service.spanNames(answer)).toEqual(['POST /api/posts', 'POST /internal/media/uses'])
  expect(await postsOf(alice)).toEqual(before)
})

function broken(): string | undefined {
  const [id] = service.media.upload(alice)
  if (id) service.media.failed.add(id)
  return id
}

test('without media, posts with pictures must wait, and all others go on', async () => {
  const ids = service.media.upload(alice)
  const { body: post } = await write(alice, ids)
  await redis.del(`feed:post:${post.id}`)
  const before = await postsOf(alice)
  service.media.cut()
  const refused = await write(alice, ids)
  expect(refused).toMatchObject({ status: 503, body: { status: 503 } })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await postsOf(alice)).toEqual(before)
  expect((await write(alice)).status).toBe(201)
  expect((await service.ask('GET', `/api/posts/${post.id}`)).body.media).toEqual(post.media)
  service.media.mend()
  await waitUntil(async () => (await write(alice, ids)).status === 201)
})

test('of a post that could not be stored media is told, unless its commit may have been made', async () => {
  const ids = service.media.upload(alice)
  const refuse = `create function refuse() returns trigger language plpgsql
    as 'begin raise exception ''no'' using errcode = ''57014''; end'`
  await service.owner.query(refuse)
  await service.owner.query(
    'create trigger refuse before insert on posts execute function refuse()',
  )
  expect((await write(alice, ids)).status).toBe(503)
  expect(service.media.released).toEqual([service.media.asked.at(-1)?.post_id])
  expect((await write(alice)).status).toBe(503)
  await service.owner.query('drop trigger refuse on posts')
  await service.owner.query(`create constraint trigger refuse after insert on posts
    deferrable initially deferred for each row execute function refuse()`)
  expect((await write(alice, ids)).status).toBe(503)
  await service.owner.query('drop trigger refuse on posts')
  expect(service.media.released).toHaveLength(1)
  expect((await write(alice, ids)).status).toBe(201)
})

test('a page of twenty posts with pictures costs what a page without costs', async () => {
  const village = createVillage(service)
  const [reader, author] = [await service.person(), await service.person()]
  village.follow(reader, [author])
  const posts = await village.posts(author, 25)
  const below = async (answer: Answer) => (await service.spanNames(answer)).slice(1)
  const readTwice = async () => [await village.read(reader), await village.read(reader)] as const
  const plain = await readTwice()
  const ids = service.media.upload(author, 4)
  await service.owner.query('update posts set media = $2 where id = any($1)', [
    posts,
    JSON.stringify(ids.map(shownMedia)),
  ])
  const lists = ['timeline', 'celebrities', 'following', 'liked'].map(
    (kind) => `${kind}:${reader.id}`,
  )
  const texts = posts.flatMap((id) => [`post:${id}`, `counts:${id}`])
  await redis.del([...lists, ...texts].map((key) => `feed:${key}`))
  const asked = service.media.asked.length
  const pictured = await readTwice()
  for (const [at, page] of pictured.entries()) {
    expect(await below(page)).toEqual(await below(plain[at]!))
    expect(page.body.posts).toHaveLength(20)
    for (const post of page.body.posts) expect(post.media).toEqual(ids.map(shownMedia))
  }
  expect(pictured.map(cacheOf)).toEqual(['miss', 'hit'])
  expect(await below(pictured[1])).toEqual(['EVAL timeline', 'MGET post', 'HMGET liked'])
  expect(service.media.asked).toHaveLength(asked)
})

test('posts from before there was media have none', async () => {
  const [first, second] = await Promise.all(
    ['0001_posts.sql', '0002_media.sql'].map((name) =>
      readFile(join(import.meta.dirname, '../migrations', name), 'utf8'),
    ),
  )
  const [old] = await service.owner.transaction(async (tx) => {
    await tx.query('create schema before')
    await tx.query('set local search_path = before')
    await tx.query(first!)
    await tx.query(`insert into authors (id, username, display_name) values (uuidv7(), 'a', 'A')`)
    await tx.query(
      `insert into posts (id, user_id, content, media_ids)
       select uuidv7(), id, 'old', array[uuidv7()] from authors`,
    )
    await tx.query(second!)
    return tx.query('select content, media from posts')
  })
  expect(old).toEqual({ content: 'old', media: [] })
})
