import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openAdmin } from '../handled.ts'
import { journey } from '../journey.ts'
import { newcomer, resident } from '../person.ts'
import { readPlatform } from '../platform.ts'

// What the worker does for a post of somebody whom nobody follows.
const fanoutToNobody = `
            feed-worker CONSUMER process events:feed  clew.event.type=post.created
              feed-worker CLIENT EVAL author
              feed-worker CLIENT SELECT authors
              feed-worker CLIENT GET /internal/users/{id}/followers
                profile SERVER GET /internal/users/{id}/followers
                  profile CLIENT SELECT follows
              feed-worker CLIENT EVAL timeline`

const written = `
          feed CLIENT BEGIN
          feed CLIENT INSERT posts
          feed PRODUCER publish events:feed  clew.event.type=post.created
            feed CLIENT INSERT outbox${fanoutToNobody}
          feed CLIENT COMMIT
          feed CLIENT SET post
          feed CLIENT EVAL author
          feed CLIENT EVAL timeline`

describe('a post', () => {
  it('by somebody who never wrote makes feed ask profile for their card, once', async () => {
    const person = await resident()
    const first = await journey('a first post', () => person.write('Otters at dawn'))
    expect(first.answer.status).toBe(201)
    expect(first.answer.headers['x-cache']).toBeUndefined()
    expect(first.answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      user_id: person.id,
      author: {
        user_id: person.id,
        username: person.username,
        display_name: person.username,
        avatar_url: null,
      },
      content: 'Otters at dawn',
      media: [],
      created_at: expect.stringMatching(/Z$/),
      updated_at: first.answer.body.created_at,
      like_count: 0,
      comment_count: 0,
      liked: false,
    })
    await first.trace.toBe(`
      gateway SERVER POST /api/posts  http.response.status_code=201
        feed SERVER POST /api/posts  http.response.status_code=201 user.id=${person.id}
          feed CLIENT SELECT authors  db.response.returned_rows=0
          feed CLIENT GET /api/users/{id}
            profile SERVER GET /api/users/{id}
              profile CLIENT GET profile  cache.hit=false
              profile CLIENT SET profile
              profile CLIENT SELECT profiles
              profile CLIENT EVAL profile
          feed CLIENT INSERT authors${written}
    `)

    const second = await journey('a second post', () => person.write())
    expect(second.answer.status).toBe(201)
    await second.trace.toBe(`
      gateway SERVER POST /api/posts  http.response.status_code=201
        feed SERVER POST /api/posts  user.id=${person.id}${written}
    `)
  })

  it('reaches the list of a follower, by the worker, in the same trace', async () => {
    const [author, reader] = [await resident(), await resident()]
    await author.write()
    await reader.follow(author)
    const empty = await resident()
    await empty.follow(author)
    // A list is made by the first look at it; `empty` never looks.
    await expect.poll(async () => (await reader.timeline()).body.count).toBe(1)
    const { answer, trace } = await journey('a post with followers', () => author.write())
    await trace.toBe(`
      gateway SERVER POST /api/posts  http.response.status_code=201
        feed SERVER POST /api/posts
          feed CLIENT BEGIN
          feed CLIENT INSERT posts
          feed PRODUCER publish events:feed
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed  messaging.destination.name=events:feed
              feed-worker CLIENT EVAL author
              feed-worker CLIENT SELECT authors
              feed-worker CLIENT GET /internal/users/{id}/followers  http.response.status_code=200
                profile SERVER GET /internal/users/{id}/followers  http.response.status_code=200
                  profile CLIENT SELECT follows
              feed-worker CLIENT EVAL timeline  db.operation.batch.size=3
          feed CLIENT COMMIT
          feed CLIENT SET post
          feed CLIENT EVAL author
          feed CLIENT EVAL timeline
    `)
    const { body, headers } = await reader.timeline()
    expect(headers['x-cache']).toBe('hit')
    expect(body.posts[0].id).toBe(answer.body.id)
  })

  it('of 501 characters, or of none that can be seen, is not written', async () => {
    const person = await resident()
    // A family is one character to whoever looks at it, though it is made of seven.
    const family = '\u{1F469}\u200D\u{1F469}\u200D\u{1F466}\u200D\u{1F466}'
    expect((await person.write(family.repeat(500))).status).toBe(201)
    for (const content of [family.repeat(501), 'x'.repeat(501), ' \t\n ', '\u200B\u200D', '']) {
      const { answer, trace } = await journey('a post that is refused', () => person.write(content))
      expect(answer.status).toBe(422)
      expect(answer.body).toMatchObject({ status: 422, errors: [{ field: 'content' }] })
      await trace.toBe(`
        gateway SERVER POST /api/posts  http.response.status_code=422
          feed SERVER POST /api/posts  http.response.status_code=422 !error.type
      `)
    }
  })

  it('is for people who are known to auth', async () => {
    const { answer, trace } = await journey('a post of nobody', () => newcomer().write())
    expect(answer.status).toBe(401)
    await trace.toBe(`
      gateway SERVER POST /api/posts  http.response.status_code=401
        feed SERVER POST /api/posts  http.response.status_code=401
    `)
  })

  it('is shown to anybody, with the token of somebody also whether they like it', async () => {
    const person = await resident()
    const { id } = (await person.write()).body
    const open = await journey('a post for anybody', () => newcomer().get(`/api/posts/${id}`))
    expect(open.answer.headers['x-cache']).toBe('hit')
    expect(open.answer.body).not.toHaveProperty('liked')
    await open.trace.toBe(`
      gateway SERVER GET /api/posts/{id}  clew.cache=hit
        feed SERVER GET /api/posts/{id}
          feed CLIENT MGET post  cache.hit=true
    `)
    const own = await journey('a post for somebody', () => person.get(`/api/posts/${id}`))
    expect(own.answer.body).toEqual({ ...open.answer.body, liked: false })
    expect((await newcomer().get(`/api/posts/${id}`, { authorization: 'Bearer x' })).status).toBe(
      401,
    )
  })

  it('is in no span, no event and no log', async () => {
    const [person, other] = [await resident(), await resident()]
    const word = `heron${randomBytes(6).toString('hex')}`
    const post = await journey('a post about a heron', () => person.write(`A ${word}`))
    const { id } = post.answer.body
    const journeys = [
      post,
      await journey('a comment', () => other.comment(id, `My ${word}`)),
      await journey('a share', () => other.share(id, `Our ${word}`)),
      await journey('an edit', () => person.patch(`/api/posts/${id}`, { content: `The ${word}` })),
    ]
    for (const { answer, trace } of journeys) {
      expect(answer.body.content).toContain(word)
      const spans = await trace.spans()
      expect(spans.length).toBeGreaterThan(5)
      // Times are big integers, which JSON does not know.
      const text = JSON.stringify(spans, (_, value) =>
        typeof value === 'bigint' ? undefined : value,
      )
      expect(text).not.toContain(word)
    }
    const redis = await openAdmin()
    const events = JSON.stringify(await redis.xRevRange('events:feed', '+', '-', { COUNT: 200 }))
    redis.destroy()
    expect([events.includes(id), events.includes(word)]).toEqual([true, false])
    const logs = join(readPlatform().state, 'logs')
    for (const name of await readdir(logs)) {
      const log = await readFile(join(logs, name), 'utf8')
      expect([name, log.includes(word)]).toEqual([name, false])
    }
  })
})
