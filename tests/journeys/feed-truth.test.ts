import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { untilHandled } from '../handled.ts'
import { type Journey, journey } from '../journey.ts'
import { newcomer, type Person, resident } from '../person.ts'
import { readPlatform } from '../platform.ts'
import { signTokens } from '../signing-key.ts'
import type { TraceSpan } from '../trace.ts'

// What is read is true, however fast it comes: nothing twice, nothing missing, nothing gone.

const idsOf = ({ body }: Answer): string[] => body.posts.map((post: { id: string }) => post.id)

async function follow(reader: Person, author: Person): Promise<void> {
  await reader.follow(author)
  await untilHandled('events:profile', reader.id, author.id)
}

describe('pages', () => {
  it('hold every post once and in order while others post', async () => {
    const [reader, ...authors] = await Promise.all(Array.from({ length: 4 }, resident))
    const before: string[] = []
    for (const author of authors) {
      await follow(reader!, author)
      for (let at = 0; at < 10; at++) before.push((await author.write()).body.id)
    }
    for (const id of before) await untilHandled('events:feed', id)
    let reading = true
    const posting = authors.map(async (author) => {
      let last = ''
      while (reading) {
        const { status, body } = await author.write()
        expect(status).toBe(201)
        last = body.id
        await sleep(20)
      }
      return last
    })
    // Once while the list is built, and once from the list.
    const [built, kept] = [await readAll(reader!, 4), await readAll(reader!, 4)]
    const ranked = await readAll(reader!, 4, 'order=ranked&')
    reading = false
    const lastOnes = await Promise.all(posting)
    for (const ids of [built, kept]) {
      expect(ids).toEqual(ids.toSorted().reverse())
      expect(ids).toEqual(expect.arrayContaining(before))
    }
    for (const ids of [built, kept, ranked]) expect(new Set(ids).size).toBe(ids.length)
    expect(ranked).toEqual(expect.arrayContaining(before))
    for (const id of lastOnes) await untilHandled('events:feed', id)
    const quiet = await readAll(reader!, 50)
    expect(await readAll(reader!, 7)).toEqual(quiet)
  })

  it('go on past what the cache keeps', async () => {
    const [reader, author] = [await resident(), await resident()]
    await author.write()
    const posts = 850
    await insertPosts(author, posts)
    await follow(reader, author)
    const ids = await readAll(reader, 50)
    expect(ids.length).toBe(posts + 1)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toEqual(ids.toSorted().reverse())
    expect(await readAll(reader, 50)).toEqual(ids)
  })
})

describe('one’s own post', () => {
  it('is in the next read, twenty times in a row', async () => {
    const [person, other] = [await resident(), await resident()]
    await follow(person, other)
    for (let times = 0; times < 20; times++) {
      await other.write()
      const { status, body } = await person.write()
      expect(status).toBe(201)
      const [timeline, own, post] = await Promise.all([
        person.timeline('limit=1'),
        person.get(`/api/posts/user/${person.id}?limit=1`),
        person.get(`/api/posts/${body.id}`),
      ])
      expect([idsOf(timeline), idsOf(own)]).toEqual([[body.id], [body.id]])
      expect(post.body).toEqual(body)
    }
  })
})

describe('an unfollow', () => {
  it('hides what was shown', async () => {
    const [reader, author] = [await resident(), await resident()]
    const { id } = (await author.write()).body
    await follow(reader, author)
    expect(idsOf(await reader.timeline())).toEqual([id])
    await reader.unfollow(author)
    await expect.poll(async () => idsOf(await reader.timeline())).toEqual([])
    // A fan-out that is late must not bring anything back.
    await author.write()
    await sleep(500)
    expect(idsOf(await reader.timeline())).toEqual([])
  })
})

describe('a deleted post', () => {
  it('is nowhere', async () => {
    const [author, reader] = [await resident(), await resident()]
    await follow(reader, author)
    const { id } = (await author.write('Soon forgotten otters')).body
    await untilHandled('events:feed', id)
    const quote = (await reader.share(id, 'Look at this')).body.id
    const bare = (await reader.share(id)).body.id
    await reader.like(id)
    await reader.comment(id)
    const lists = [
      () => author.timeline(),
      () => reader.timeline(),
      () => reader.timeline('order=ranked'),
      () => newcomer().get(`/api/posts/user/${author.id}`),
      () => newcomer().get(`/api/posts/user/${reader.id}`),
    ]
    for (const read of lists) expect(JSON.stringify((await read()).body)).toContain(id)
    expect((await author.delete(`/api/posts/${id}`)).status).toBe(204)
    for (const read of lists) {
      const { status, body } = await read()
      expect(status).toBe(200)
      expect(JSON.stringify(body)).not.toMatch(new RegExp(`${id}|Soon forgotten`))
    }
    // Its shares without words go when the worker has heard of it.
    await untilHandled('events:feed', id)
    for (const read of lists) expect(JSON.stringify((await read()).body)).not.toContain(bare)
    expect((await reader.get(`/api/posts/${quote}`)).body.shared_post).toBeNull()
    expect((await reader.get(`/api/posts/${bare}`)).status).toBe(404)
    const statuses = await Promise.all(
      [
        reader.get(`/api/posts/${id}`),
        reader.get(`/api/posts/${id}/comments`),
        reader.like(id),
        reader.unlike(id),
        reader.comment(id),
        reader.share(id),
        author.patch(`/api/posts/${id}`, { content: 'Still here' }),
        author.delete(`/api/posts/${id}`),
      ].map(async (answer) => (await answer).status),
    )
    expect(new Set(statuses)).toEqual(new Set([404]))
  })
})

describe('the count of likes', () => {
  it('is exact after a thousand likes and unlikes at once', async () => {
    const author = await resident()
    const { id } = (await author.write()).body
    const path = `/api/posts/${id}/like`
    const tokens = await signTokens(Array.from({ length: 750 }, () => randomUUID()))
    const people = tokens.map((token) => Object.assign(newcomer(), { token }))
    const [before, more] = [people.slice(0, 250), people.slice(250)]
    await crowd(before.map((person) => () => person.post(path)))
    expect((await author.get(`/api/posts/${id}`)).body.like_count).toBe(250)
    // Half of the newcomers like it twice.
    const wishes = [...more, ...more.slice(250)].map((person) => () => person.post(path))
    for (const [at, person] of before.entries()) wishes.splice(at * 4, 0, () => person.delete(path))
    expect(wishes.length).toBe(1_000)
    await crowd(wishes)
    const cached = await author.get(`/api/posts/${id}`)
    expect([cached.headers['x-cache'], cached.body.like_count]).toEqual(['hit', 500])
    await author.patch(`/api/posts/${id}`, { content: 'Read from Postgres now' })
    const read = await author.get(`/api/posts/${id}`)
    expect([read.headers['x-cache'], read.body.like_count]).toEqual(['miss', 500])
    const told = await Promise.all(
      [before[0], more[0], more.at(-1)].map((person) => person?.get(`/api/posts/${id}`)),
    )
    expect(told.map((answer) => answer?.body.liked)).toEqual([false, true, true])
  })
})

describe('X-Cache', () => {
  it('says hit when Postgres and profile were not asked, else miss', async () => {
    const [reader, author] = [await resident(), await resident()]
    await follow(reader, author)
    const { id } = (await author.write()).body
    await untilHandled('events:feed', id)
    const reads: Record<string, () => Promise<Answer>> = {
      timeline: () => reader.timeline(),
      'timeline, ranked': () => reader.timeline('order=ranked'),
      'posts of an author': () => newcomer().get(`/api/posts/user/${author.id}`),
      'a post': () => newcomer().get(`/api/posts/${id}`),
      'a post after an edit': async () => {
        await author.patch(`/api/posts/${id}`, { content: `Edited ${randomUUID()}` })
        return newcomer().get(`/api/posts/${id}`)
      },
    }
    const looks: (Journey & { name: string; look: string })[] = []
    for (const [name, read] of Object.entries(reads)) {
      for (const look of ['first', 'second']) {
        looks.push({ name, look, ...(await journey(name, read)) })
      }
    }
    await Promise.all(
      looks.map(async ({ name, look, answer, trace }) => {
        const asked = (await trace.spans()).filter(isAsking)
        const said = asked.length > 0 ? 'miss' : 'hit'
        expect([name, look, answer.headers['x-cache']]).toEqual([name, look, said])
      }),
    )
    // Neither is said by chance: each was seen.
    expect(new Set(looks.map(({ answer }) => answer.headers['x-cache']))).toEqual(
      new Set(['hit', 'miss']),
    )
  })
})

/** Whether a span is a call to Postgres or a neighbour. What somebody likes is not part of a page. */
function isAsking({ kind, name, attributes }: TraceSpan): boolean {
  if (name === 'SELECT likes') return false
  return kind === 'CLIENT' && attributes['db.system.name']?.value !== 'redis'
}

/** All of them at once. */
async function crowd(wishes: (() => Promise<Answer>)[]): Promise<void> {
  const answers = await Promise.all(wishes.map((wish) => wish()))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
}

/** Every page of somebody's timeline, one after the other. */
async function readAll(reader: Person, limit: number, query = ''): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const more: string = cursor && `&cursor=${cursor}`
    const answer = await reader.timeline(`${query}limit=${limit}${more}`)
    expect(answer.status).toBe(200)
    expect(answer.body.count).toBe(answer.body.posts.length)
    ids.push(...idsOf(answer))
    cursor = answer.body.next_cursor
  }
  return ids
}

/** Older posts of somebody, more than one could write through the gateway in a moment. */
async function insertPosts(author: Person, count: number): Promise<void> {
  const url = new URL(readPlatform().urls.postgres)
  url.pathname = '/feed'
  const client = new Client(url.href)
  await client.connect()
  try {
    await client.query(
      `insert into posts (id, user_id, content, created_at)
       select uuidv7(make_interval(mins => -age)), $1, 'An older post',
         now() - make_interval(mins => age)
       from generate_series(1, $2::integer) as age`,
      [author.id, count],
    )
  } finally {
    await client.end()
  }
}
