import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
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

async function write(): Promise<string> {
  const options = { token: alice.token, body: { content: 'like me' } }
  return (await service.ask('POST', '/api/posts', options)).body.id
}

function change(method: 'POST' | 'DELETE', person: Person, id: string): Promise<Answer> {
  return service.ask(method, `/api/posts/${id}/like`, { token: person.token })
}

async function read(person: Person, id: string) {
  return (await service.ask('GET', `/api/posts/${id}`, { token: person.token })).body
}

test('to like is to like once, and no longer is no longer', async () => {
  const id = await write()
  for (let round = 0; round < 2; round++) {
    const { status, body } = await change('POST', bob, id)
    expect([status, body]).toEqual([200, { message: 'You like this post.', like_count: 1 }])
    expect(await read(bob, id)).toMatchObject({ like_count: 1, liked: true })
    expect(await read(alice, id)).toMatchObject({ like_count: 1, liked: false })
  }
  for (let round = 0; round < 2; round++) {
    const { status, body } = await change('DELETE', bob, id)
    expect([status, body]).toEqual([200, { message: 'You do not like this post.', like_count: 0 }])
    expect(await read(bob, id)).toMatchObject({ like_count: 0, liked: false })
  }
})

test('a like that the cache was not told of is told to it by liking again', async () => {
  const id = await write()
  expect(await read(bob, id)).toMatchObject({ like_count: 0, liked: false })
  // As a process leaves it that ends between the commit and the cache.
  await service.owner.query('insert into likes (user_id, post_id) values ($1, $2)', [bob.id, id])
  await service.owner.query(
    'update posts set like_count = like_count + 1, version = version + 1 where id = $1',
    [id],
  )
  await change('POST', bob, id)
  expect(await read(bob, id)).toMatchObject({ like_count: 1, liked: true })
})

test('a like is seen at once in the lists, too', async () => {
  const id = await write()
  await readEverywhere(service, alice, id)
  await change('POST', alice, id)
  const seen = await readEverywhere(service, alice, id)
  for (const post of [seen.single.body, seen.page, seen.timeline]) {
    expect(post).toMatchObject({ like_count: 1, liked: true })
  }
})

test('who shows no token is not told about likes of their own', async () => {
  const id = await write()
  await change('POST', bob, id)
  const { body } = await service.ask('GET', `/api/posts/${id}`)
  expect(body.like_count).toBe(1)
  expect(body).not.toHaveProperty('liked')
})

test.each(['POST', 'DELETE'] as const)('%s: a post that is not there', async (method) => {
  for (const id of [uuid(), 'x', `${'0'.repeat(36)}`]) {
    expect((await change(method, bob, id)).status).toBe(404)
  }
})

test('one like of one person, however often it is asked at once', async () => {
  const id = await write()
  const answers = await Promise.all(Array.from({ length: 30 }, () => change('POST', bob, id)))
  expect(new Set(answers.map(({ body }) => body.like_count))).toEqual(new Set([1]))
  expect(await read(bob, id)).toMatchObject({ like_count: 1, liked: true })
})

test('counts are exact after 1,000 likes and unlikes at once', async () => {
  const id = await write()
  const people = await Promise.all(Array.from({ length: 50 }, () => service.person()))
  // Each of 50 people, all at once: 20 changes of mind one after the other.
  const statuses = await Promise.all(
    people.map(async (person, index) => {
      const seen = new Set<number>()
      for (let turn = 0; turn < 20; turn++) {
        const unlikes = turn % 2 === 1 && !(turn === 19 && index % 3 === 0)
        seen.add((await change(unlikes ? 'DELETE' : 'POST', person, id)).status)
      }
      return [...seen]
    }),
  )
  expect(statuses).toEqual(Array(50).fill([200]))
  const likers = people.filter((_, index) => index % 3 === 0)
  const [post] = await service.owner.query(
    `select like_count, (select count(*)::int from likes where post_id = posts.id) as likes
     from posts where id = $1`,
    [id],
  )
  expect(post).toEqual({ like_count: likers.length, likes: likers.length })
  for (const person of people) {
    const answer = await service.ask('GET', `/api/posts/${id}`, { token: person.token })
    expect(answer.body).toMatchObject({
      like_count: likers.length,
      liked: likers.includes(person),
    })
  }
  const answer = await service.ask('GET', `/api/posts/${id}`)
  expect(answer.headers.get('x-cache')).toBe('hit')
}, 60_000)

test('a post deleted while many like it leaves no error and nothing behind', async () => {
  const people = await Promise.all(Array.from({ length: 12 }, () => service.person()))
  for (let round = 0; round < 5; round++) {
    const id = await write()
    for (const person of people.slice(0, 6)) await change('POST', person, id)
    const answers = await Promise.all([
      ...people.slice(0, 6).map((person) => change('DELETE', person, id)),
      ...people.slice(6).map((person) => change('POST', person, id)),
      service.ask('DELETE', `/api/posts/${id}`, { token: alice.token }),
    ])
    for (const { status } of answers) expect([200, 204, 404]).toContain(status)
    const left = await service.owner.query('select 1 from likes where post_id = $1', [id])
    expect(left).toEqual([])
  }
})
