import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { newcomer, resident } from '../person.ts'

describe('a profile', () => {
  it('is read from Postgres once, and from Redis then', async () => {
    const person = await resident()
    const read = () => person.get(`/api/users/${person.id}`)
    const first = await journey('the first look', read)
    expect(first.answer.status).toBe(200)
    expect(first.answer.headers['x-cache']).toBe('miss')
    expect(first.answer.body).toEqual({
      user_id: person.id,
      username: person.username,
      display_name: person.username,
      bio: '',
      avatar_url: null,
      follower_count: 0,
      following_count: 0,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    const second = await journey('the second look', read)
    expect(second.answer.headers['x-cache']).toBe('hit')
    expect(second.answer.body).toEqual(first.answer.body)
    await first.trace.toBe(`
      gateway SERVER GET /api/users/{id}  http.response.status_code=200
        profile SERVER GET /api/users/{id}  http.response.status_code=200 user.id=${person.id}
          profile CLIENT GET profile  cache.hit=false
          profile CLIENT SET profile
          profile CLIENT SELECT profiles  db.response.returned_rows=1
          profile CLIENT EVAL profile
    `)
    await second.trace.toBe(`
      gateway SERVER GET /api/users/{id}
        profile SERVER GET /api/users/{id}
          profile CLIENT GET profile  cache.hit=true
      never: SELECT, auth
    `)
  })

  it('of nobody is not found, and that is remembered too', async () => {
    const path = `/api/users/${randomUUID()}`
    const first = await journey('nobody', () => newcomer().get(path))
    const second = await journey('nobody again', () => newcomer().get(path))
    expect([first.answer.status, second.answer.status]).toEqual([404, 404])
    await first.trace.toBe(`
      gateway SERVER GET /api/users/{id}  http.response.status_code=404
        profile SERVER GET /api/users/{id}  http.response.status_code=404
          profile CLIENT GET profile  cache.hit=false
          profile CLIENT SET profile
          profile CLIENT SELECT profiles  db.response.returned_rows=0
          profile CLIENT EVAL profile
    `)
    await second.trace.toBe(`
      gateway SERVER GET /api/users/{id}  http.response.status_code=404
        profile SERVER GET /api/users/{id}
          profile CLIENT GET profile  cache.hit=true
    `)
  })

  it('is changed by the person themselves, and read anew', async () => {
    const person = await resident()
    await person.get(`/api/users/${person.id}`)
    const bio = 'keeps otters on Skye'
    const { answer, trace } = await journey('an edit', () =>
      person.post(`/api/users/${person.id}/profile`, { display_name: 'Ada of Skye', bio }),
    )
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ display_name: 'Ada of Skye', bio })
    await trace.toBe(`
      gateway SERVER POST /api/users/{id}/profile  http.response.status_code=200
        profile SERVER POST /api/users/{id}/profile  user.id=${person.id}
          profile CLIENT BEGIN
          profile CLIENT UPDATE profiles
          profile PRODUCER publish events:profile  clew.event.type=profile.updated
            profile CLIENT INSERT outbox
          profile CLIENT COMMIT
          profile CLIENT DEL profile
    `)
    const after = await person.get(`/api/users/${person.id}`)
    expect(after.headers['x-cache']).toBe('miss')
    expect(after.body).toMatchObject({ display_name: 'Ada of Skye', bio })
  })

  it("is not anybody else's to change", async () => {
    const [person, other] = [await resident(), await resident()]
    const { answer, trace } = await journey("someone else's profile", () =>
      person.post(`/api/users/${other.id}/profile`, { display_name: 'Somebody Else' }),
    )
    expect(answer.status).toBe(403)
    await trace.toBe(`
      gateway SERVER POST /api/users/{id}/profile  http.response.status_code=403
        profile SERVER POST /api/users/{id}/profile  user.id=${person.id}
      never: UPDATE
    `)
  })

  it('is found by a name that is not quite right', async () => {
    const person = await resident()
    const typo = `${person.username.slice(0, -1)}_`
    const { answer, trace } = await journey('a search', () =>
      newcomer().get(`/api/users/search?q=${encodeURIComponent(typo)}`),
    )
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ query: typo, limit: expect.any(Number) })
    expect(answer.body.results[0].user_id).toBe(person.id)
    await trace.toBe(`
      gateway SERVER GET /api/users/search  url.path=/api/users/search
        profile SERVER GET /api/users/search  url.path=/api/users/search
          profile CLIENT SELECT profiles
    `)
  })
})
