import { writeCursor } from '@clew/kit/cursor'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Person, type Service, startService, waitUntil } from './service.ts'
import { cacheOf, createVillage, idsOf } from './village.ts'

let service: Service
let village: ReturnType<typeof createVillage>
let redis: RedisClientType

beforeAll(async () => {
  service = await startService()
  village = createVillage(service)
  redis = createClient({ url: service.redisUrl })
  await redis.connect()
})
afterAll(async () => {
  redis.destroy()
  await service[Symbol.asyncDispose]()
})

async function people(many: number): Promise<Person[]> {
  return Promise.all(Array.from({ length: many }, () => service.person()))
}

/** A reader who follows two, and the ids of all three's posts, newest first. */
async function someReader(posts = 30) {
  const [reader, one, other] = (await people(3)) as [Person, Person, Person]
  village.follow(reader, [one, other])
  const all: string[] = []
  for (let round = 0; round < posts / 3; round++) {
    for (const author of [one, reader, other]) all.push(...(await village.posts(author, 1)))
  }
  return { reader, one, other, all: all.reverse() }
}

test('a timeline has what those say whom one follows, and oneself, newest first', async () => {
  const { reader, all } = await someReader()
  const stranger = await service.person()
  await village.posts(stranger, 3)
  const [miss, hit] = [await village.read(reader), await village.read(reader)]
  expect([cacheOf(miss), cacheOf(hit)]).toEqual(['miss', 'hit'])
  expect(idsOf(miss)).toEqual(all.slice(0, 20))
  expect(hit.body).toEqual(miss.body)
  expect(hit.headers.get('content-type')).toBe('application/json')
  expect(hit.body.count).toBe(20)
  expect(hit.body.posts[0]).toMatchObject({ content: 'words', media: [], liked: false })
  expect(hit.body.posts[0]).not.toHaveProperty('shared_post')
})

test('nobody followed and nothing written is an empty page, and the second time a hit', async () => {
  const reader = await service.person()
  const [miss, hit] = [await village.read(reader), await village.read(reader)]
  expect(hit.body).toEqual({ posts: [], count: 0, next_cursor: null })
  expect([cacheOf(miss), cacheOf(hit)]).toEqual(['miss', 'hit'])
  const page = `/api/posts/user/${uuid()}`
  const unknown = [await service.ask('GET', page), await service.ask('GET', page)]
  expect(unknown.map(cacheOf)).toEqual(['miss', 'hit'])
  expect(unknown[1]?.body).toEqual({ posts: [], count: 0, next_cursor: null })
})

test.each([1, 7, 20, 50])('pages of %i hold every post once', async (limit) => {
  const { reader, all } = await someReader(60)
  const path = `/api/timeline/${reader.id}?limit=${limit}`
  expect(idsOf(...(await village.walk(path, reader)))).toEqual(all)
  const pages = await village.walk(path, reader)
  expect(idsOf(...pages)).toEqual(all)
  expect(pages.slice(0, -1).every(({ body }) => body.count === limit)).toBe(true)
  expect(pages.every((page) => cacheOf(page) === 'hit')).toBe(true)
})

test('while others post, no post is on two pages and none is left out', async () => {
  const { reader, all } = await someReader(60)
  const post = () =>
    service.ask('POST', '/api/posts', { token: reader.token, body: { content: 'meanwhile' } })
  const path = `/api/timeline/${reader.id}?limit=9`
  const pages = await village.walk(path, reader, async () => void (await post()))
  expect(idsOf(...pages)).toEqual(all)
  const newest = await village.read(reader, '?limit=50')
  expect(
    newest.body.posts.filter((post: { content: string }) => post.content === 'meanwhile'),
  ).toHaveLength(pages.length - 1)
})

test('beyond what is cached, pages go on in Postgres', async () => {
  const [reader, one] = (await people(2)) as [Person, Person]
  village.follow(reader, [one])
  const all = [...(await village.posts(one, 900)), ...(await village.posts(reader, 10))].reverse()
  const path = `/api/timeline/${reader.id}?limit=50`
  expect(idsOf(...(await village.walk(path, reader)))).toEqual(all)
  expect(await redis.lLen(`feed:timeline:${reader.id}`)).toBe(801)
  const pages = await village.walk(path, reader)
  expect(idsOf(...pages)).toEqual(all)
  // The sixteenth ends with the 800th post; that there is another it knows from the list too.
  const from = pages.map(cacheOf)
  expect(from).toEqual([...Array(16).fill('hit'), 'miss', 'miss', 'miss'])
  // Begun deep, with no list there, it goes on at the same place.
  await redis.del([`feed:timeline:${reader.id}`, `feed:celebrities:${reader.id}`])
  const cursor = pages[16]?.body.next_cursor
  expect(idsOf(await village.read(reader, `?limit=50&cursor=${cursor}`))).toEqual(
    all.slice(850, 900),
  )
  expect(await redis.lLen(`feed:timeline:${reader.id}`)).toBe(801)
})

test('the posts of celebrities are merged in, whatever of it is cached', async () => {
  const [reader, star, one] = (await people(3)) as [Person, Person, Person]
  village.follow(reader, [star, one])
  const all: string[] = []
  for (let round = 0; round < 20; round++) {
    all.push(...(await village.posts(star, 2)), ...(await village.posts(one, 1)))
  }
  all.reverse()
  await service.owner.query('update authors set celebrity = true where id = $1', [star.id])
  const path = `/api/timeline/${reader.id}?limit=7`
  // Nothing cached; then the list of the star missing; then all there; then the list expired.
  const rounds: string[][] = [[], [`feed:author:${star.id}`], [], [`feed:timeline:${reader.id}`]]
  for (const lost of rounds) {
    if (lost.length > 0) await redis.del(lost)
    expect(idsOf(...(await village.walk(path, reader)))).toEqual(all)
  }
  expect((await redis.lRange(`feed:timeline:${reader.id}`, 0, -1)).length).toBe(21)
  expect(cacheOf(await village.read(reader))).toBe('hit')
})

test('a deleted post of a celebrity leaves their list, whose reader finds it gone', async () => {
  const [reader, star] = (await people(2)) as [Person, Person]
  village.follow(reader, [star])
  const [id] = await village.posts(star, 5)
  await service.owner.query('update authors set celebrity = true where id = $1', [star.id])
  for (let round = 0; round < 2; round++) await village.read(reader)
  expect(await redis.lLen(`feed:author:${star.id}`)).toBe(6)
  await service.ask('DELETE', `/api/posts/${id}`, { token: star.token })
  expect(idsOf(await village.read(reader))).not.toContain(id)
  await waitUntil(async () => (await redis.lLen(`feed:author:${star.id}`)) === 5)
})

test('a page may be asked for by its number', async () => {
  const { reader, all } = await someReader(30)
  for (const page of [1, 2, 3, 4]) {
    const answer = await village.read(reader, `?limit=10&page=${page}`)
    expect(idsOf(answer)).toEqual(all.slice(10 * (page - 1), 10 * page))
    expect(answer.body.next_cursor === null).toBe(page >= 3)
  }
  const second = await village.read(reader, '?limit=10&page=2')
  const third = await village.read(reader, `?limit=10&cursor=${second.body.next_cursor}`)
  expect(idsOf(third)).toEqual(all.slice(20))
})

test('a deleted post is left out at once, and the page is filled up', async () => {
  const { reader, all } = await someReader(30)
  await village.read(reader)
  const author = `/api/posts/user/${reader.id}`
  const mine = idsOf(await service.ask('GET', author))
  const gone = [mine[0], mine[3]] as string[]
  for (const id of gone) {
    const { status } = await service.ask('DELETE', `/api/posts/${id}`, { token: reader.token })
    expect(status).toBe(204)
  }
  const left = all.filter((id) => !gone.includes(id))
  const first = await village.read(reader)
  expect(idsOf(first)).toEqual(left.slice(0, 20))
  expect(idsOf(...(await village.walk(`/api/timeline/${reader.id}?limit=4`, reader)))).toEqual(left)
  expect(idsOf(await service.ask('GET', author))).toEqual(mine.filter((id) => !gone.includes(id)))
  await waitUntil(async () => (await redis.lLen(`feed:timeline:${reader.id}`)) === 29)
})

test('a list of nothing but deleted posts is an empty last page', async () => {
  const reader = await service.person()
  const ids = await village.posts(reader, 25)
  await village.read(reader)
  for (const id of ids) await service.ask('DELETE', `/api/posts/${id}`, { token: reader.token })
  expect((await village.read(reader)).body).toEqual({ posts: [], count: 0, next_cursor: null })
})

test('many who miss at once cost one statement of each kind, and one call', async () => {
  const { reader } = await someReader()
  const calls = service.profile.asked.length
  const answers = await Promise.all(Array.from({ length: 10 }, () => village.read(reader)))
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  const names = (await Promise.all(answers.map((answer) => service.spanNames(answer)))).flat()
  expect(service.profile.asked.length - calls).toBe(1)
  expect(names.filter((name) => name === 'SELECT posts')).toHaveLength(2)
  expect(names.filter((name) => name === 'SELECT likes')).toHaveLength(1)
})

test('only the person themselves reads a timeline, and no id is nobody', async () => {
  const [reader, other] = (await people(2)) as [Person, Person]
  const ask = (path: string, token?: string) =>
    service.ask('GET', path, { ...(token && { token }) })
  expect((await ask(`/api/timeline/${reader.id}`, other.token)).status).toBe(403)
  expect((await ask(`/api/timeline/${reader.id}`)).status).toBe(401)
  expect((await ask('/api/timeline/x', reader.token)).status).toBe(404)
  expect((await ask('/api/posts/x')).status).toBe(404)
  expect((await ask('/api/posts/user/x')).status).toBe(404)
  expect((await ask(`/api/posts/${uuid()}`)).status).toBe(404)
  expect((await ask(`/api/timeline/${reader.id.toUpperCase()}`, reader.token)).status).toBe(200)
})

test.each([
  'limit=0',
  'limit=-1',
  'limit=51',
  'limit=1000000000',
  'limit=x',
  'limit=',
  'limit=1.5',
  'limit=1&limit=2',
  'order=best',
  'page=0',
  'page=x',
  'page=41',
  'page=2&cursor=x',
])('?%s is refused, and says which field', async (query) => {
  const reader = await service.person()
  const answer = await village.read(reader, `?${query}`)
  expect(answer.status).toBe(422)
  expect(answer.body.errors[0].field).toBe(query.split('=')[0])
})

test('unknown fields of a query mean nothing', async () => {
  const reader = await service.person()
  expect((await village.read(reader, '?x=1&__proto__=2')).status).toBe(200)
})

test('a cursor of another list, person or order is refused, and one that was changed', async () => {
  const { reader, one } = await someReader()
  const { next_cursor: cursor } = (await village.read(reader, '?limit=5')).body
  const own = await service.ask('GET', `/api/posts/user/${reader.id}?limit=5`)
  const ranked = await village.read(reader, '?limit=5&order=ranked')
  const refused = await Promise.all([
    village.read(one, `?cursor=${cursor}`),
    village.read(reader, `?order=ranked&cursor=${cursor}`),
    village.read(reader, `?cursor=${ranked.body.next_cursor}`),
    village.read(reader, `?cursor=${own.body.next_cursor}`),
    village.read(reader, `?cursor=${cursor.slice(0, -2)}`),
    village.read(reader, '?cursor='),
    service.ask('GET', `/api/posts/user/${reader.id}?cursor=${cursor}`),
    service.ask('GET', `/api/posts/user/${one.id}?cursor=${own.body.next_cursor}`),
  ])
  expect(refused.map(({ status }) => status)).toEqual(Array(8).fill(400))
})

test('a cursor that was made up is refused, however well it is formed', async () => {
  const reader = await service.person()
  const [post] = await village.posts(reader, 1)
  const lists: [string, string][] = [
    [`timeline:${reader.id}`, `/api/timeline/${reader.id}?`],
    [`author:${reader.id}`, `/api/posts/user/${reader.id}?`],
    [`comments:${post}`, `/api/posts/${post}/comments?`],
    [`ranked:${reader.id}`, `/api/timeline/${reader.id}?order=ranked&`],
  ]
  for (const [list, path] of lists) {
    for (const position of [
      '',
      'x',
      '-5',
      '1.5',
      'NaN',
      `${uuid()}.-5`,
      `${post}\0`,
      'g'.repeat(36),
    ]) {
      const cursor = writeCursor(list, position)
      const answer = await service.ask('GET', `${path}cursor=${cursor}`, { token: reader.token })
      expect([path, position, answer.status]).toEqual([path, position, 400])
    }
  }
})

test('what an author says is read by anybody, by pages', async () => {
  const author = await service.person()
  const all = (await village.posts(author, 45)).reverse()
  const path = `/api/posts/user/${author.id}`
  const pages = await village.walk(path, author)
  expect(idsOf(...pages)).toEqual(all)
  expect(pages.map(cacheOf)).toEqual(['miss', 'miss', 'miss'])
  const open = await service.ask('GET', path)
  expect(cacheOf(open)).toBe('hit')
  expect(open.body.posts[0]).not.toHaveProperty('liked')
})
