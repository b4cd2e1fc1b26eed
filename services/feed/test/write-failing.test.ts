import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readEverywhere } from './everywhere.ts'
import { readFacts } from './facts.ts'
import { type Answer, type Person, type Service, startService, waitUntil } from './service.ts'

let service: Service
let alice: Person
let bob: Person

beforeAll(async () => {
  service = await startService()
  alice = await service.person()
  bob = await service.person()
  for (const person of [alice, bob]) await write(person, 'known from now on')
})
afterAll(() => service[Symbol.asyncDispose]())

function send(person: Person, method: string, path: string, body?: object): Promise<Answer> {
  return service.ask(method, path, { token: person.token, ...(body && { body }) })
}

async function write(person: Person, content: string) {
  return (await send(person, 'POST', '/api/posts', { content })).body
}

/** Everything that is stored, but for what waits to be sent. */
async function readTables(): Promise<object[]> {
  return service.owner.query(
    `select (select json_agg(posts order by id) from posts) as posts,
            (select json_agg(likes order by post_id, user_id) from likes) as likes,
            (select json_agg(comments order by id) from comments) as comments`,
  )
}

const writes: [what: string, method: string, path: string, body?: object][] = [
  ['a post', 'POST', '/api/posts', { content: 'lost' }],
  ['a change', 'PATCH', '/api/posts/{id}', { content: 'lost' }],
  ['a like', 'POST', '/api/posts/{id}/like'],
  ['a like no longer', 'DELETE', '/api/posts/{id}/like'],
  ['a comment', 'POST', '/api/posts/{id}/comments', { content: 'lost' }],
  ['a share', 'POST', '/api/posts/{id}/share', {}],
  ['a deletion', 'DELETE', '/api/posts/{id}'],
]

test.each(writes)('%s is not half written when Postgres goes away within it', async (...sent) => {
  const [what, method, path, body] = sent
  const { id } = await write(alice, 'as it was')
  if (what === 'a like no longer') await send(alice, 'POST', `/api/posts/${id}/like`)
  const before = await readTables()
  // Whoever records a fact, the last statement before the commit, waits for this lock.
  const [locked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const held = service.owner.transaction(async (tx) => {
    await tx.query('lock table outbox in exclusive mode')
    locked.resolve()
    await released.promise
  })
  await locked.promise
  const answering = send(alice, method, path.replace('{id}', id), body)
  await waitUntil(async () => {
    const waiting = await service.owner.query(
      `select 1 from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%into outbox%'`,
    )
    return waiting.length > 0
  })
  service.database.cut()
  const answer = await answering
  expect(answer).toMatchObject({ status: 503, body: { status: 503 } })
  expect(answer.headers.get('retry-after')).toBe('1')
  released.resolve()
  await held
  service.database.mend()
  await waitUntil(async () => (await service.ask('GET', '/readyz')).status === 200)
  expect(await readTables()).toEqual(before)
  // A connection that was broken off may have been within its transaction until now.
  const again = await send(alice, method, path.replace('{id}', id), body)
  expect(again.status).toBeLessThan(300)
})

test('without Redis people go on writing, and everything is seen, then and afterwards', async () => {
  const old = await write(alice, 'before')
  const gone = await write(alice, 'to be deleted')
  await readEverywhere(service, alice, old.id)
  await readEverywhere(service, bob, old.id)
  service.redis.cut()
  const path = `/api/posts/${old.id}`
  const post = await write(alice, 'meanwhile')
  expect((await send(alice, 'PATCH', path, { content: 'after' })).status).toBe(200)
  expect((await send(bob, 'POST', `${path}/like`)).body.like_count).toBe(1)
  expect((await send(bob, 'POST', `${path}/comments`, { content: 'x' })).status).toBe(201)
  expect((await send(bob, 'POST', `${path}/share`, {})).status).toBe(201)
  expect((await send(alice, 'DELETE', `/api/posts/${gone.id}`)).status).toBe(204)
  async function check() {
    const changed = await readEverywhere(service, alice, old.id)
    for (const found of [changed.single.body, changed.page, changed.timeline]) {
      expect(found).toMatchObject({ content: 'after', like_count: 1, comment_count: 1 })
    }
    const added = await readEverywhere(service, alice, post.id)
    expect([added.single.body, added.page, added.timeline]).toEqual([post, post, post])
    const deleted = await readEverywhere(service, alice, gone.id)
    expect([deleted.single.status, deleted.page, deleted.timeline]).toEqual([
      404,
      undefined,
      undefined,
    ])
    expect((await send(bob, 'GET', path)).body.liked).toBe(true)
  }
  await check()
  const waiting = await service.owner.query('select type from outbox order by id')
  expect(waiting.length).toBeGreaterThanOrEqual(6)
  service.redis.mend()
  // From the moment Redis is back until all of it is cached again.
  for (let round = 0; round < 20; round++) {
    await check()
    await sleep(50)
  }
  await waitUntil(async () => (await service.ask('GET', path)).headers.get('x-cache') === 'hit')
  const facts = await readFacts(service, old.id, 5)
  expect(facts.map(([type]) => type)).toEqual([
    'post.created',
    'post.updated',
    'post.liked',
    'post.commented',
    'post.created',
  ])
})

test('a Redis that hangs does not hold up a writer', async () => {
  service.redis.stall()
  const post = await Promise.race([write(alice, 'patience'), sleep(5_000)])
  expect(post).toMatchObject({ content: 'patience' })
  service.redis.mend()
  await waitUntil(async () => {
    const { timeline } = await readEverywhere(service, alice, post.id)
    return timeline !== undefined
  })
})

test('without profile, who is known goes on writing, and who is not is told to wait', async () => {
  const carol = await service.person()
  service.profile.cut()
  expect((await send(alice, 'POST', '/api/posts', { content: 'still here' })).status).toBe(201)
  const refused = await send(carol, 'POST', '/api/posts', { content: 'who am I' })
  expect(refused).toMatchObject({ status: 503, body: { status: 503 } })
  expect(refused.headers.get('retry-after')).toBe('1')
  service.profile.mend()
  await waitUntil(async () => {
    return (await send(carol, 'POST', '/api/posts', { content: 'here I am' })).status === 201
  })
})
