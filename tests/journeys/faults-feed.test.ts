import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { expectAway } from '../away.ts'
import { openAdmin, untilHandled } from '../handled.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { kill, without } from '../parts.ts'
import { newcomer, type Person, resident } from '../person.ts'

// What still works of feed while a part is away, in the order of the table in ARCHITECTURE.md.

const idsOf = ({ body }: Answer): string[] => body.posts.map((post: { id: string }) => post.id)
const seen = ({ status, headers }: Answer) => [status, headers['x-cache']]

/** A reader who follows an author, with a list in Redis that holds one post. */
async function settled(): Promise<{ reader: Person; author: Person; id: string }> {
  const [reader, author] = [await resident(), await resident()]
  await reader.write()
  const { id } = (await author.write()).body
  await reader.follow(author)
  await untilHandled('events:profile', reader.id, author.id)
  await untilHandled('events:feed', id)
  await reader.timeline()
  return { reader, author, id }
}

it('profile away: timelines go on with the cards that feed keeps, and fan-out waits', async () => {
  const { reader, author, id } = await settled()
  const stranger = await resident()
  const post = await without('profile', async () => {
    const { answer, trace } = await journey('a timeline without profile', () => reader.timeline())
    expect(seen(answer)).toEqual([200, 'hit'])
    await trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}
        feed SERVER GET /api/timeline/{user_id}
          feed CLIENT EVAL timeline  cache.hit=true
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=true
    `)
    expect(answer.body.posts[0].author.username).toBe(author.username)
    // Whom they follow is kept longer than the list.
    await dropTimeline(reader)
    expect(seen(await reader.timeline())).toEqual([200, 'miss'])
    expectAway(await stranger.write())
    expectAway(await stranger.timeline())
    const written = await author.write()
    expect(written.status).toBe(201)
    expect(seen(await reader.get(`/api/posts/${id}`))).toEqual([200, 'hit'])
    return written.body.id
  })
  await expect.poll(async () => idsOf(await reader.timeline()), patient).toContain(post)
  // feed asks nothing of a profile that failed five times for a second.
  await expect.poll(async () => (await stranger.write()).status, patient).toBe(201)
})

it('Redis away: all comes from Postgres, and nothing stale is left behind', async () => {
  const { reader, author, id } = await settled()
  const kept = (await author.write('First words')).body.id
  const gone = (await author.write('Soon gone')).body.id
  await untilHandled('events:feed', gone)
  expect(idsOf(await reader.timeline())).toEqual(expect.arrayContaining([gone, kept, id]))
  const mine = await without('redis', async () => {
    const { answer, trace } = await journey('a timeline without Redis', () => reader.timeline())
    expect(seen(answer)).toEqual([200, 'miss'])
    expect(idsOf(answer).slice(0, 3)).toEqual([gone, kept, id])
    const names = (await trace.spans()).map(({ name }) => name)
    expect(names.filter((name) => /^SELECT (posts|likes|follows)$/.test(name)).length).toBe(4)
    const written = await author.write()
    expect(written.status).toBe(201)
    expect((await author.patch(`/api/posts/${kept}`, { content: 'Second words' })).status).toBe(200)
    expect((await author.delete(`/api/posts/${gone}`)).status).toBe(204)
    expect((await reader.like(id)).body.like_count).toBe(1)
    expect((await reader.comment(id)).status).toBe(201)
    expect(idsOf(await author.timeline())[0]).toBe(written.body.id)
    return written.body.id
  })
  // Whatever was changed meanwhile is as it is now, from the first read on.
  for (const read of [() => author.timeline(), () => author.get(`/api/posts/user/${author.id}`)]) {
    const { posts } = (await read()).body
    expect(posts.map((post: { id: string }) => post.id)).toEqual([mine, kept, id])
    expect(posts[1].content).toBe('Second words')
    expect(posts[2]).toMatchObject({ like_count: 1, comment_count: 1 })
  }
  expect((await reader.get(`/api/posts/${gone}`)).status).toBe(404)
  expect((await reader.get(`/api/posts/${id}`)).body).toMatchObject({ liked: true, like_count: 1 })
  await expect.poll(async () => idsOf(await reader.timeline())[0], patient).toBe(mine)
  expect(idsOf(await reader.timeline())).not.toContain(gone)
})

it('Redis slow: whoever asks does not wait for it', async () => {
  const { reader, author, id } = await settled()
  const redis = await openAdmin()
  try {
    const pausedMs = 5_000
    await redis.sendCommand(['CLIENT', 'PAUSE', `${pausedMs}`, 'ALL'])
    const paused = Date.now()
    const answer = await reader.timeline()
    const written = await author.write()
    const again = await author.timeline()
    // Else this says nothing about a slow Redis.
    expect(Date.now() - paused).toBeLessThan(pausedMs)
    expect(seen(answer)).toEqual([200, 'miss'])
    expect(idsOf(answer)[0]).toBe(id)
    expect(written.status).toBe(201)
    expect(idsOf(again)[0]).toBe(written.body.id)
    // This one waits, too.
    await redis.ping()
    expect(idsOf(await author.timeline())[0]).toBe(written.body.id)
    await expect.poll(async () => idsOf(await reader.timeline())[0], patient).toBe(written.body.id)
  } finally {
    redis.destroy()
  }
})

it('Postgres away: cached timelines go on, and nothing is half written', async () => {
  const { reader, author, id } = await settled()
  const before = await reader.timeline()
  const own = await author.timeline()
  await without('postgres', async () => {
    const answer = await reader.timeline()
    expect(seen(answer)).toEqual([200, 'hit'])
    expect(answer.body).toEqual(before.body)
    expect(seen(await reader.get(`/api/posts/${id}`))).toEqual([200, 'hit'])
    expectAway(await author.write())
    expectAway(await reader.like(id))
    expectAway(await reader.unlike(id))
    expectAway(await reader.comment(id))
    expectAway(await reader.share(id))
    expectAway(await author.patch(`/api/posts/${id}`, { content: 'Half written' }))
    expectAway(await author.delete(`/api/posts/${id}`))
  })
  for (const cold of [false, true]) {
    if (cold) {
      await dropTimeline(reader)
      await dropTimeline(author)
    }
    expect((await reader.timeline()).body).toEqual(before.body)
    expect((await author.timeline()).body).toEqual(own.body)
  }
  expect((await author.write()).status).toBe(201)
})

it('feed away: one sees one’s own timeline as it was, and nobody else’s', async () => {
  const { reader, author, id } = await settled()
  const before = await reader.timeline()
  await author.timeline()
  await without('feed', async () => {
    const { answer, trace } = await journey('a timeline without feed', () => reader.timeline())
    expect(seen(answer)).toEqual([200, 'stale'])
    // Whether one likes a post is not kept with it.
    const posts = before.body.posts.map(({ liked: _, ...post }: { liked: boolean }) => post)
    expect(answer.body).toMatchObject({ ...before.body, posts })
    await trace.toBe(
      'gateway SERVER GET /api/timeline/{user_id}  http.response.status_code=200 clew.cache=stale !error.type',
    )
    expect(seen(await reader.get(`/api/feed/timeline/${reader.id}`))).toEqual([200, 'stale'])
    const other = await reader.get(`/api/timeline/${author.id}`)
    expect(other.status).toBe(403)
    expect(other.body).toMatchObject({ status: 403, trace_id: other.traceId })
    expect((await newcomer().get(`/api/timeline/${reader.id}`)).status).toBe(401)
    const post = await journey('a post without feed', () => reader.write())
    expectAway(post.answer)
    await post.trace.toBe(
      'gateway SERVER POST /api/posts  ERROR http.response.status_code=503 error.type=503',
    )
    expectAway(await reader.get(`/api/posts/${id}`))
    expectAway(await reader.timeline('order=ranked'))
    // Everything else is as it was.
    expect((await reader.get(`/api/users/${reader.id}`)).status).toBe(200)
  })
  expect(seen(await reader.timeline())).toEqual([200, 'hit'])
})

it('feed-worker killed and away: posts written meanwhile arrive, once each and in order', async () => {
  const { reader, author } = await settled()
  const written: string[] = []
  const write = async (count: number) => {
    for (let at = 0; at < count; at++) {
      // From several addresses, so that the gateway's limit for one does not matter.
      const headers = { 'x-forwarded-for': newcomer().address }
      const { status, body } = await author.post('/api/posts', { content: `Post ${at}` }, headers)
      expect(status).toBe(201)
      written.unshift(body.id)
    }
  }
  const fromMs = Date.now()
  const writing = write(50)
  await sleep(100)
  await kill('feed-worker')
  await writing
  note({ cut: 'feed-worker', fromMs, toMs: Date.now() })
  await without('feed-worker', async () => {
    await write(150)
    // Authors do not need it.
    expect(idsOf(await author.timeline('limit=1'))).toEqual(written.slice(0, 1))
    expect(seen(await reader.timeline())).toEqual([200, 'hit'])
  })
  await expect
    .poll(async () => idsOf(await reader.timeline('limit=1')), patient)
    .toEqual(written.slice(0, 1))
  // Facts that the killed one had taken are taken up again.
  await expect.poll(() => readAll(reader, author), patient).toEqual(written)
})

const patient = { timeout: 60_000, interval: 250 }

/** All that one finds of another in one's timeline, out of Redis alone. */
async function readAll(reader: Person, author: Person): Promise<string[]> {
  const ids: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const answer: Answer = await reader.timeline(`limit=50${cursor && `&cursor=${cursor}`}`)
    expect(seen(answer)).toEqual([200, 'hit'])
    const theirs = answer.body.posts.filter((post: { user_id: string; content: string }) => {
      return post.user_id === author.id && /^Post \d+$/.test(post.content)
    })
    ids.push(...theirs.map((post: { id: string }) => post.id))
    cursor = answer.body.next_cursor
  }
  return ids
}

async function dropTimeline(person: Person): Promise<void> {
  const redis = await openAdmin()
  await redis.del([`feed:timeline:${person.id}`, `feed:celebrities:${person.id}`])
  redis.destroy()
}
