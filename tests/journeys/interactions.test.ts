import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { untilHandled } from '../handled.ts'
import { journey } from '../journey.ts'
import { type Person, resident } from '../person.ts'
import { signTokens } from '../signing-key.ts'

/** Two who have both written before, so that feed has the cards of both, and a post of the first. */
async function twoAndPost(): Promise<{ author: Person; other: Person; id: string }> {
  const [author, other] = [await resident(), await resident()]
  await other.write()
  const { id } = (await author.write()).body
  await untilHandled('events:feed', id)
  return { author, other, id }
}

describe('a like', () => {
  it('counts once, and is taken back once', async () => {
    const { other, id } = await twoAndPost()
    const like = await journey('a like', () => other.like(id))
    expect([like.answer.status, like.answer.body.like_count]).toEqual([200, 1])
    await like.trace.toBe(`
      gateway SERVER POST /api/posts/{id}/like  http.response.status_code=200
        feed SERVER POST /api/posts/{id}/like  user.id=${other.id}
          feed CLIENT BEGIN
          feed CLIENT INSERT likes  db.response.returned_rows=1
          feed CLIENT UPDATE posts
          feed PRODUCER publish events:feed  clew.event.type=post.liked
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed  clew.event.type=post.liked
              feed-worker CLIENT EVAL counts
          feed CLIENT COMMIT
          feed CLIENT EVAL counts
    `)
    const again = await journey('the same like', () => other.like(id))
    expect([again.answer.status, again.answer.body.like_count]).toEqual([200, 1])
    await again.trace.toBe(`
      gateway SERVER POST /api/posts/{id}/like  http.response.status_code=200
        feed SERVER POST /api/posts/{id}/like
          feed CLIENT BEGIN
          feed CLIENT INSERT likes  db.response.returned_rows=0
          feed CLIENT SELECT posts
          feed CLIENT COMMIT
          feed CLIENT EVAL counts
      never: publish
    `)
    expect((await other.get(`/api/posts/${id}`)).body).toMatchObject({ like_count: 1, liked: true })

    const unlike = await journey('an unlike', () => other.unlike(id))
    expect([unlike.answer.status, unlike.answer.body.like_count]).toEqual([200, 0])
    await unlike.trace.toBe(`
      gateway SERVER DELETE /api/posts/{id}/like  http.response.status_code=200
        feed SERVER DELETE /api/posts/{id}/like
          feed CLIENT BEGIN
          feed CLIENT DELETE likes  db.response.returned_rows=1
          feed CLIENT UPDATE posts
          feed PRODUCER publish events:feed  clew.event.type=post.unliked
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed  clew.event.type=post.unliked
              feed-worker CLIENT EVAL counts
          feed CLIENT COMMIT
          feed CLIENT EVAL counts
    `)
    expect((await other.unlike(id)).body.like_count).toBe(0)
    expect((await other.get(`/api/posts/${id}`)).body).toMatchObject({
      like_count: 0,
      liked: false,
    })
  })

  it('of a post that there is not, is not found', async () => {
    const person = await resident()
    const { answer, trace } = await journey('a like of nothing', () => person.like(randomUUID()))
    expect(answer.status).toBe(404)
    await trace.toBe(`
      gateway SERVER POST /api/posts/{id}/like  http.response.status_code=404
        feed SERVER POST /api/posts/{id}/like  http.response.status_code=404 !error.type
          feed CLIENT BEGIN
          feed CLIENT INSERT likes  db.response.returned_rows=0
          feed CLIENT SELECT posts  db.response.returned_rows=0
          feed CLIENT ROLLBACK
    `)
  })
})

describe('a comment', () => {
  it('counts, and is read with the card of who wrote it', async () => {
    const { other, id } = await twoAndPost()
    const { answer, trace } = await journey('a comment', () => other.comment(id, 'Lovely otters'))
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      post_id: id,
      user_id: other.id,
      author: { username: other.username },
      content: 'Lovely otters',
    })
    await trace.toBe(`
      gateway SERVER POST /api/posts/{id}/comments  http.response.status_code=201
        feed SERVER POST /api/posts/{id}/comments  user.id=${other.id}
          feed CLIENT BEGIN
          feed CLIENT INSERT comments
          feed CLIENT UPDATE posts
          feed PRODUCER publish events:feed  clew.event.type=post.commented
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed  clew.event.type=post.commented
              feed-worker CLIENT EVAL counts
          feed CLIENT COMMIT
          feed CLIENT EVAL counts
    `)
    expect((await other.get(`/api/posts/${id}`)).body.comment_count).toBe(1)
    const list = await journey('the comments', () => other.get(`/api/posts/${id}/comments`))
    expect(list.answer.body).toEqual({ comments: [answer.body], count: 1, next_cursor: null })
    await list.trace.toBe(`
      gateway SERVER GET /api/posts/{id}/comments
        feed SERVER GET /api/posts/{id}/comments
          feed CLIENT SELECT comments
    `)
    expect((await other.comment(id, 'x'.repeat(201))).status).toBe(422)
    expect((await other.comment(randomUUID())).status).toBe(404)
  })
})

describe('a share', () => {
  it('is a post that shows another, once without words', async () => {
    const { author, other, id } = await twoAndPost()
    const { answer, trace } = await journey('a share', () => other.share(id))
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({
      user_id: other.id,
      content: '',
      shared_post: { id, user_id: author.id },
    })
    await trace.toBe(`
      gateway SERVER POST /api/posts/{id}/share  http.response.status_code=201
        feed SERVER POST /api/posts/{id}/share  user.id=${other.id}
          feed CLIENT BEGIN
          feed CLIENT INSERT posts
          feed PRODUCER publish events:feed  clew.event.type=post.created
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed
              feed-worker CLIENT EVAL author
              feed-worker CLIENT SELECT authors
              feed-worker CLIENT GET /internal/users/{id}/followers
                profile SERVER GET /internal/users/{id}/followers
                  profile CLIENT SELECT follows
              feed-worker CLIENT EVAL timeline
          feed CLIENT COMMIT
          feed CLIENT SET post
          feed CLIENT EVAL author
          feed CLIENT EVAL timeline
          feed CLIENT MGET post  cache.hit=true
    `)
    const twice = await other.share(id)
    expect(twice.status).toBe(409)
    const third = await author.share(answer.body.id, 'Thank you')
    expect(third.body.shared_post.id).toBe(id)
    expect((await other.share(randomUUID())).status).toBe(404)
  })
})

describe('an edit', () => {
  it('by the author is seen at once', async () => {
    const { author, other, id } = await twoAndPost()
    const { answer, trace } = await journey('an edit', () =>
      author.patch(`/api/posts/${id}`, { content: 'Otters at dusk' }),
    )
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ id, content: 'Otters at dusk' })
    await trace.toBe(`
      gateway SERVER PATCH /api/posts/{id}  http.response.status_code=200
        feed SERVER PATCH /api/posts/{id}  user.id=${author.id}
          feed CLIENT BEGIN
          feed CLIENT UPDATE posts
          feed PRODUCER publish events:feed  clew.event.type=post.updated
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed  clew.event.type=post.updated
              feed-worker CLIENT SET post
          feed CLIENT COMMIT
          feed CLIENT SET post
    `)
    const read = await other.get(`/api/posts/${id}`)
    expect([read.headers['x-cache'], read.body.content]).toEqual(['miss', 'Otters at dusk'])
    const [mine] = (await author.timeline()).body.posts
    expect(mine.content).toBe('Otters at dusk')
  })

  it('by somebody else is refused', async () => {
    const { other, id } = await twoAndPost()
    const { answer, trace } = await journey("someone else's post", () =>
      other.patch(`/api/posts/${id}`, { content: 'Not mine' }),
    )
    expect(answer.status).toBe(403)
    expect((await trace.spans()).map(({ name }) => name)).not.toContain('publish events:feed')
  })
})

describe('a deletion', () => {
  it('by the author takes the post and its shares without words', async () => {
    const { author, other, id } = await twoAndPost()
    const share = (await other.share(id)).body.id
    const { answer, trace } = await journey('a deletion', () => author.delete(`/api/posts/${id}`))
    expect(answer.status).toBe(204)
    await trace.toBe(`
      gateway SERVER DELETE /api/posts/{id}  http.response.status_code=204
        feed SERVER DELETE /api/posts/{id}  user.id=${author.id}
          feed CLIENT BEGIN
          feed CLIENT SELECT posts
          feed CLIENT DELETE posts
          feed PRODUCER publish events:feed  clew.event.type=post.deleted
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed  clew.event.type=post.deleted
              feed-worker CLIENT SET post
              feed-worker CLIENT BEGIN
              feed-worker CLIENT DELETE posts  db.response.returned_rows=1
              feed-worker CLIENT SET post
              feed-worker CLIENT COMMIT
              feed-worker CLIENT UPDATE posts  db.response.returned_rows=0
          feed CLIENT COMMIT
          feed CLIENT SET post
    `)
    for (const gone of [id, share]) expect((await other.get(`/api/posts/${gone}`)).status).toBe(404)
    expect((await author.delete(`/api/posts/${id}`)).status).toBe(404)
  })

  it('is for the author and for admins', async () => {
    const { author, other, id } = await twoAndPost()
    expect((await other.delete(`/api/posts/${id}`)).status).toBe(403)
    const [token] = await signTokens([other.id], ['admin'])
    const authorization = `Bearer ${token}`
    expect(
      (await other.patch(`/api/posts/${id}`, { content: 'x' }, { authorization })).status,
    ).toBe(403)
    expect((await other.delete(`/api/posts/${id}`, { authorization })).status).toBe(204)
    expect((await author.get(`/api/posts/${id}`)).status).toBe(404)
  })
})

describe('what profile tells of', () => {
  it('a follow or an unfollow drops the list of the one who follows', async () => {
    const { author, other: reader, id } = await twoAndPost()
    await reader.timeline()
    const follow = await journey('a follow', () => reader.follow(author))
    await follow.trace.toBe(profileChange('POST', 'INSERT', 'user.followed'))
    const added = await reader.timeline()
    expect(added.headers['x-cache']).toBe('miss')
    expect(added.body.posts.map((post: { id: string }) => post.id)).toContain(id)

    const unfollow = await journey('an unfollow', () => reader.unfollow(author))
    await unfollow.trace.toBe(profileChange('DELETE', 'DELETE', 'user.unfollowed'))
    const hidden = await reader.timeline()
    expect(hidden.headers['x-cache']).toBe('miss')
    expect(hidden.body.posts.map((post: { id: string }) => post.id)).not.toContain(id)
  })

  it('a new name is shown beside what was written before', async () => {
    const { author, other, id } = await twoAndPost()
    expect((await other.get(`/api/posts/${id}`)).headers['x-cache']).toBe('hit')
    const { trace } = await journey('a new name', () =>
      author.post(`/api/users/${author.id}/profile`, { display_name: 'Ada of the Otters' }),
    )
    await trace.toBe(`
      gateway SERVER POST /api/users/{id}/profile
        profile SERVER POST /api/users/{id}/profile
          profile CLIENT BEGIN
          profile CLIENT UPDATE profiles
          profile PRODUCER publish events:profile  clew.event.type=profile.updated
            profile CLIENT INSERT outbox
            ↷ feed-worker CONSUMER process events:profile  clew.event.type=profile.updated
              feed-worker CLIENT INSERT authors
              feed-worker CLIENT SELECT posts  db.response.returned_rows=1
              feed-worker CLIENT SET post
          profile CLIENT COMMIT
          profile CLIENT DEL profile
    `)
    const read = await other.get(`/api/posts/${id}`)
    expect(read.body.author.display_name).toBe('Ada of the Otters')
  })
})

function profileChange(method: string, statement: string, type: string): string {
  return `
    gateway SERVER ${method} /api/users/{id}/follow
      profile SERVER ${method} /api/users/{id}/follow
        profile CLIENT BEGIN
        profile CLIENT ${statement} follows
        profile CLIENT UPDATE profiles
        profile PRODUCER publish events:profile  clew.event.type=${type}
          profile CLIENT INSERT outbox
          ↷ feed-worker CONSUMER process events:profile  clew.event.type=${type}
            feed-worker CLIENT DEL timeline
        profile CLIENT COMMIT
        profile CLIENT DEL profile
  `
}
