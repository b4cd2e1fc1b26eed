import { describe, expect, it } from 'vitest'
import { untilHandled } from '../handled.ts'
import { journey } from '../journey.ts'
import { newcomer, type Person, resident } from '../person.ts'
import { readPlatform } from '../platform.ts'

/** A page as far as tests look at it. */
type Page = { posts: { id: string; content: string; liked: boolean }[]; next_cursor: string | null }
const idsOf = ({ posts }: Page) => posts.map(({ id }) => id)

/** Follows, and waits until the worker has dropped what it made untrue. */
async function follow(reader: Person, ...authors: Person[]): Promise<void> {
  for (const author of authors) await reader.follow(author)
  for (const author of authors) await untilHandled('events:profile', reader.id, author.id)
}

/** Writes posts, which have reached everybody then; the newest comes first. */
async function write(author: Person, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let at = 0; at < count; at++) ids.unshift((await author.write()).body.id)
  for (const id of ids) await untilHandled('events:feed', id)
  return ids
}

describe('a timeline', () => {
  it('is built from Postgres once, and read from Redis then', async () => {
    const [reader, author] = [await resident(), await resident()]
    await follow(reader, author)
    const ids = await write(author, 3)
    const first = await journey('the first look', () => reader.timeline())
    expect([first.answer.status, first.answer.headers['x-cache']]).toEqual([200, 'miss'])
    expect(first.answer.body).toMatchObject({ count: 3, next_cursor: null })
    expect(idsOf(first.answer.body)).toEqual(ids)
    await first.trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}  http.response.status_code=200 clew.cache=miss
        feed SERVER GET /api/timeline/{user_id}  user.id=${reader.id}
          feed CLIENT EVAL timeline  cache.hit=false
          feed CLIENT EVAL timeline  !cache.hit
          feed CLIENT GET following  cache.hit=false
          feed CLIENT SET following
          feed CLIENT GET /internal/users/{id}/following  http.response.status_code=200
            profile SERVER GET /internal/users/{id}/following  http.response.status_code=200
              profile CLIENT SELECT follows  db.response.returned_rows=1
          feed CLIENT EVAL following
          feed CLIENT SELECT posts
          feed CLIENT EVAL timeline
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=false
          feed CLIENT SELECT likes
          feed CLIENT EVAL liked
    `)

    const second = await journey('the second look', () => reader.timeline())
    expect(second.answer.headers['x-cache']).toBe('hit')
    expect(second.answer.body).toEqual(first.answer.body)
    await second.trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}  clew.cache=hit
        feed SERVER GET /api/timeline/{user_id}  user.id=${reader.id}
          feed CLIENT EVAL timeline  cache.hit=true
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=true
      never: SELECT, profile
    `)
  })

  it('that is empty is no miss', async () => {
    const reader = await resident()
    const first = await reader.timeline()
    expect(first.headers['x-cache']).toBe('miss')
    const { answer, trace } = await journey('a second look at nothing', () => reader.timeline())
    expect(answer.body).toEqual({ posts: [], count: 0, next_cursor: null })
    expect(answer.headers['x-cache']).toBe('hit')
    await trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}
        feed SERVER GET /api/timeline/{user_id}
          feed CLIENT EVAL timeline  cache.hit=true
    `)
  })

  it('goes on by cursor to its end, and past what Redis keeps of it', async () => {
    const [reader, author] = [await resident(), await resident()]
    await follow(reader, author)
    const ids = await write(author, 5)
    const read = (cursor: string | null) =>
      reader.timeline(`limit=2${cursor ? `&cursor=${cursor}` : ''}`)
    const one = await read(null)
    const two = await read(one.body.next_cursor)
    const three = await journey('the last page', () => read(two.body.next_cursor))
    const pages = [one, two, three.answer].map(({ body }) => idsOf(body))
    expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)])
    expect(three.answer.body.next_cursor).toBeNull()
    await three.trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}
        feed SERVER GET /api/timeline/{user_id}
          feed CLIENT EVAL timeline  cache.hit=true
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=true
    `)
    const numbered = await reader.timeline('limit=2&page=2')
    expect(idsOf(numbered.body)).toEqual(pages[1])
  })

  it('is nobody else’s to read', async () => {
    const [person, other] = [await resident(), await resident()]
    const { answer, trace } = await journey("someone else's timeline", () =>
      person.get(`/api/timeline/${other.id}`),
    )
    expect(answer.status).toBe(403)
    await trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}  http.response.status_code=403
        feed SERVER GET /api/timeline/{user_id}  http.response.status_code=403 user.id=${person.id}
    `)
    expect((await newcomer().get(`/api/timeline/${other.id}`)).status).toBe(401)
  })

  it('can be had under the other path', async () => {
    const reader = await resident()
    await reader.timeline()
    const { answer, trace } = await journey('a look by the other path', () =>
      reader.get(`/api/feed/timeline/${reader.id}`),
    )
    expect(answer.status).toBe(200)
    await trace.toBe(`
      gateway SERVER GET /api/feed/timeline/{user_id}  url.path=/api/feed/timeline/${reader.id}
        feed SERVER GET /api/timeline/{user_id}  url.path=/api/timeline/${reader.id}
          feed CLIENT EVAL timeline  cache.hit=true
    `)
  })

  it('can be ranked, in an order that stays the same from page to page', async () => {
    const [reader, author, ...fans] = [await resident(), await resident(), await resident()]
    await follow(reader, author)
    const ids = await write(author, 4)
    const [liked = ''] = ids.slice(-1)
    for (const fan of fans) {
      await fan.like(liked)
      await fan.comment(liked)
    }
    const first = await journey('a ranked page', () => reader.timeline('order=ranked&limit=2'))
    expect(first.answer.body.posts[0]).toMatchObject({ id: liked, like_count: 1, comment_count: 1 })
    // Another order, had it been made anew.
    const [other = ''] = ids
    await reader.like(other)
    for (const fan of fans) for (let times = 0; times < 3; times++) await fan.comment(other)
    const second = await journey('the next ranked page', () =>
      reader.timeline(`order=ranked&limit=2&cursor=${first.answer.body.next_cursor}`),
    )
    const all = [...idsOf(first.answer.body), ...idsOf(second.answer.body)]
    expect(all.toSorted()).toEqual(ids.toSorted())
    await second.trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}
        feed SERVER GET /api/timeline/{user_id}
          feed CLIENT GET ranked  cache.hit=true
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=true
    `)
    const anew = await reader.timeline('order=ranked&limit=2')
    expect(idsOf(anew.body)[0]).toBe(other)
  })

  it('takes no cursor that was changed, or is of another list', async () => {
    const [reader, author] = [await resident(), await resident()]
    await follow(reader, author)
    await write(author, 3)
    await write(reader, 2)
    const cursor: string = (await reader.timeline('limit=1')).body.next_cursor
    const ranked: string = (await reader.timeline('order=ranked&limit=1')).body.next_cursor
    const own = await reader.get(`/api/posts/user/${reader.id}?limit=1`)
    const changed = `${cursor.slice(0, 5)}${cursor[5] === 'A' ? 'B' : 'A'}${cursor.slice(6)}`
    for (const bad of [changed, ranked, own.body.next_cursor, 'x', `${cursor}=`]) {
      const { answer, trace } = await journey('a cursor of elsewhere', () =>
        reader.timeline(`cursor=${bad}`),
      )
      expect(answer.status).toBe(400)
      await trace.toBe(`
        gateway SERVER GET /api/timeline/{user_id}  http.response.status_code=400
          feed SERVER GET /api/timeline/{user_id}  http.response.status_code=400
      `)
    }
    for (const limit of ['0', '-1', '1000000000', 'many']) {
      expect((await reader.timeline(`limit=${limit}`)).status).toBe(422)
    }
  })
})

describe('a celebrity', () => {
  it('is merged in when timelines are read, and pushed to nobody', async () => {
    const star = await resident()
    const most = Number(readPlatform().env.FEED_CELEBRITY_FOLLOWERS)
    const fans = await Promise.all(Array.from({ length: most + 1 }, resident))
    const [fan] = fans as [Person]
    for (const each of fans) await follow(each, star)
    await fan.timeline()
    const crossing = await journey('the post that makes a celebrity', () => star.write())
    await crossing.trace.toBe(`
      gateway SERVER POST /api/posts
        feed SERVER POST /api/posts
          feed CLIENT SELECT authors
          feed CLIENT GET /api/users/{id}
            profile SERVER GET /api/users/{id}
              profile CLIENT GET profile
              profile CLIENT SET profile
              profile CLIENT SELECT profiles
              profile CLIENT EVAL profile
          feed CLIENT INSERT authors
          feed CLIENT BEGIN
          feed CLIENT INSERT posts
          feed PRODUCER publish events:feed
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed
              feed-worker CLIENT EVAL author
              feed-worker CLIENT SELECT authors
              feed-worker CLIENT GET /internal/users/{id}/followers
                profile SERVER GET /internal/users/{id}/followers
                  profile CLIENT SELECT follows
              feed-worker CLIENT EVAL timeline  !db.operation.batch.size
              feed-worker CLIENT SET crossing
              feed-worker CLIENT UPDATE authors
              feed-worker CLIENT GET /internal/users/{id}/followers
                profile SERVER GET /internal/users/{id}/followers
                  profile CLIENT SELECT follows
              feed-worker CLIENT DEL timeline
              feed-worker CLIENT DEL crossing
          feed CLIENT COMMIT
          feed CLIENT SET post
          feed CLIENT EVAL author
          feed CLIENT EVAL timeline
    `)
    const before = crossing.answer.body.id
    // The lists that were there are gone, and are built anew with that author in mind.
    const first = await journey('a look that builds', () => fan.timeline())
    expect(first.answer.headers['x-cache']).toBe('miss')
    expect(idsOf(first.answer.body)).toEqual([before])

    const post = await journey('a post of a celebrity', () => star.write())
    await post.trace.toBe(`
      gateway SERVER POST /api/posts
        feed SERVER POST /api/posts
          feed CLIENT BEGIN
          feed CLIENT INSERT posts
          feed PRODUCER publish events:feed
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed
              feed-worker CLIENT EVAL author
              feed-worker CLIENT SELECT authors
              feed-worker CLIENT GET /internal/users/{id}/followers
                profile SERVER GET /internal/users/{id}/followers
                  profile CLIENT SELECT follows
              feed-worker CLIENT EVAL timeline  !db.operation.batch.size
              feed-worker CLIENT GET crossing
          feed CLIENT COMMIT
          feed CLIENT SET post
          feed CLIENT EVAL author
          feed CLIENT EVAL timeline
    `)
    const cold = await journey('the first merged timeline', () => fan.timeline())
    await cold.trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}  clew.cache=miss
        feed SERVER GET /api/timeline/{user_id}
          feed CLIENT EVAL timeline  cache.hit=false
          feed CLIENT EVAL author
          feed CLIENT SELECT posts
          feed CLIENT EVAL author
          feed CLIENT EVAL timeline  cache.hit=true
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=true
    `)
    const merged = await journey('a merged timeline', () => fan.timeline())
    for (const { answer } of [cold, merged]) {
      expect(idsOf(answer.body)).toEqual([post.answer.body.id, before])
    }
    await merged.trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}  clew.cache=hit
        feed SERVER GET /api/timeline/{user_id}
          feed CLIENT EVAL timeline  cache.hit=true
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=true
    `)
  })
})
