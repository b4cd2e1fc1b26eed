import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { openAdmin, untilHandled } from '../handled.ts'
import { photo } from '../images.ts'
import { journey } from '../journey.ts'
import { newcomer, type Person, resident } from '../person.ts'
import type { TraceSpan } from '../trace.ts'
import { twoPhones } from '../two-phones.ts'

type Counts = { spans: number; sql: number; redis: number; calls: number }

/**
 * What each hot request costs, exactly. A number that grows is a decision: change it here when the
 * request is worth it. `sql` counts statements, `redis` round trips, `calls` requests of one service to
 * another, over all services of the trace.
 */
it('hot requests cost what they are meant to cost', async () => {
  const [person, other] = [await resident(), await resident()]
  const [reader, busyReader, ...authors] = await Promise.all(Array.from({ length: 7 }, resident))
  const posts = await readable(reader!, [other])
  const many = await readable(busyReader!, authors)
  await forget(many)
  const table = {
    register: await count(() => newcomer().register()),
    login: await count(() => person.login()),
    'profile read, miss': await count(() => person.get(`/api/users/${person.id}`)),
    'profile read, hit': await count(() => person.get(`/api/users/${person.id}`)),
    follow: await count(() => person.follow(other)),
    'timeline, miss': await count(() => reader!.timeline()),
    'timeline, hit': await count(() => reader!.timeline()),
    'timeline of five, all cold': await count(() => busyReader!.timeline()),
    post: await count(() => other.write()),
    like: await count(() => reader!.like(posts[0]!)),
  }
  expect(table).toEqual({
    register: { spans: 18, sql: 8, redis: 3, calls: 1 },
    login: { spans: 11, sql: 5, redis: 3, calls: 0 },
    'profile read, miss': { spans: 6, sql: 1, redis: 3, calls: 0 },
    'profile read, hit': { spans: 3, sql: 0, redis: 1, calls: 0 },
    follow: { spans: 9, sql: 5, redis: 1, calls: 0 },
    // One statement is profile's.
    'timeline, miss': { spans: 16, sql: 3, redis: 9, calls: 1 },
    'timeline, hit': { spans: 5, sql: 0, redis: 3, calls: 0 },
    'timeline of five, all cold': { spans: 18, sql: 4, redis: 10, calls: 1 },
    // Two statements, two of the round trips and the call are the worker's.
    post: { spans: 17, sql: 6, redis: 5, calls: 1 },
    // One of the round trips is the worker's.
    like: { spans: 11, sql: 5, redis: 2, calls: 0 },
  })
})

it('hot requests of messages cost what they are meant to cost', async () => {
  await using two = await twoPhones(1, 2)
  const said = { conversation_id: two.conversation, body: 'Words', client_id: randomUUID() }
  const typing = { conversation_id: two.conversation, typing: true }
  const table = await countAll({
    'message, across instances': () => two.ones.send(two.conversation),
    'message over HTTP': () => two.one.post('/api/messages', said),
    conversations: () => two.other.conversations(),
    history: () => two.other.history(two.conversation),
    typing: () => two.ones.say('typing', typing),
  })
  expect(table).toEqual({
    'message, across instances': { spans: 14, sql: 5, redis: 2, calls: 0 },
    'message over HTTP': { spans: 16, sql: 5, redis: 2, calls: 0 },
    conversations: { spans: 5, sql: 3, redis: 0, calls: 0 },
    history: { spans: 5, sql: 3, redis: 0, calls: 0 },
    typing: { spans: 10, sql: 3, redis: 1, calls: 0 },
  })
})

it('photos cost nothing where they are read', async () => {
  const [reader, author] = [await resident(), await resident()]
  await readable(reader, [author])
  const { id, url } = (await author.upload(await photo())).body
  await expect
    .poll(async () => (await author.get(`/api/media/${id}`)).body.status, { timeout: 5_000 })
    .toBe('ready')
  const post = await author.post('/api/posts', { content: 'A photo', media_ids: [id] })
  await untilHandled('events:feed', post.body.id)
  await newcomer().get(url)
  await reader.timeline()
  const table = await countAll({
    'timeline with photos': () => reader.timeline(),
    'image, cached': () => newcomer().get(url),
  })
  expect(table).toEqual({
    // As a timeline without any.
    'timeline with photos': { spans: 5, sql: 0, redis: 3, calls: 0 },
    // The gateway's own span.
    'image, cached': { spans: 1, sql: 0, redis: 0, calls: 0 },
  })
})

/** Follows all of these, who then write a post each; gives the posts once they have arrived. */
async function readable(reader: Person, authors: Person[]): Promise<string[]> {
  for (const author of authors) await reader.follow(author)
  const posts: string[] = []
  for (const author of authors) posts.push((await author.write()).body.id)
  for (const author of authors) await untilHandled('events:profile', reader.id, author.id)
  for (const id of posts) await untilHandled('events:feed', id)
  return posts
}

/** Takes posts out of the cache. */
async function forget(posts: string[]): Promise<void> {
  const redis = await openAdmin()
  await redis.del(posts.flatMap((id) => [`feed:post:${id}`, `feed:counts:${id}`]))
  redis.destroy()
}

/** Requests that do not change what another one costs, all at once. */
async function countAll(acts: Record<string, () => Promise<Answer>>) {
  const counts = Object.entries(acts).map(async ([name, act]) => [name, await count(act)])
  return Object.fromEntries(await Promise.all(counts))
}

async function count(act: () => Promise<Answer>): Promise<Counts> {
  const { answer, trace } = await journey('a request that is counted', act)
  expect(answer.status).toBeLessThan(300)
  const spans = await trace.spans()
  return {
    spans: spans.length,
    sql: spans.filter((span) => system(span) === 'postgresql').length,
    redis: spans.filter((span) => system(span) === 'redis').length,
    calls: Math.max(
      0,
      spans.filter(({ kind, service }) => kind === 'SERVER' && service !== 'gateway').length - 1,
    ),
  }
}

function system({ attributes }: TraceSpan): unknown {
  return attributes['db.system.name']?.value
}
