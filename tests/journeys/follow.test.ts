import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { resident } from '../person.ts'

describe('following', () => {
  it('counts for both, and is taken back', async () => {
    const [fan, star] = [await resident(), await resident()]
    const follow = await journey('a follow', () => fan.follow(star))
    expect(follow.answer.status).toBe(201)
    expect(follow.answer.body).toEqual({
      follower_id: fan.id,
      following_id: star.id,
      created_at: expect.stringMatching(/Z$/),
    })
    await follow.trace.toBe(`
      gateway SERVER POST /api/users/{id}/follow  http.response.status_code=201
        profile SERVER POST /api/users/{id}/follow  user.id=${fan.id}
          profile CLIENT BEGIN
          profile CLIENT INSERT follows
          profile CLIENT UPDATE profiles
          profile PRODUCER publish events:profile  clew.event.type=user.followed
            profile CLIENT INSERT outbox
          profile CLIENT COMMIT
          profile CLIENT DEL profile  !db.operation.batch.size
    `)
    expect((await star.get(`/api/users/${star.id}`)).body.follower_count).toBe(1)
    expect((await fan.get(`/api/users/${fan.id}`)).body.following_count).toBe(1)

    const unfollow = await journey('an unfollow', () => fan.delete(`/api/users/${star.id}/follow`))
    expect(unfollow.answer.status).toBe(200)
    await unfollow.trace.toBe(`
      gateway SERVER DELETE /api/users/{id}/follow  http.response.status_code=200
        profile SERVER DELETE /api/users/{id}/follow  user.id=${fan.id}
          profile CLIENT BEGIN
          profile CLIENT DELETE follows
          profile CLIENT UPDATE profiles
          profile PRODUCER publish events:profile  clew.event.type=user.unfollowed
            profile CLIENT INSERT outbox
          profile CLIENT COMMIT
          profile CLIENT DEL profile
    `)
    expect((await star.get(`/api/users/${star.id}`)).body.follower_count).toBe(0)
  })

  it('refuses oneself, twice, and what was never begun', async () => {
    const [fan, star] = [await resident(), await resident()]
    expect((await fan.follow(fan)).status).toBe(400)
    expect((await fan.delete(`/api/users/${star.id}/follow`)).status).toBe(404)
    expect((await fan.follow(star)).status).toBe(201)
    const twice = await journey('a second follow', () => fan.follow(star))
    expect(twice.answer.status).toBe(409)
    const spans = await twice.trace.spans()
    expect(spans.map(({ name }) => name)).not.toContain('publish events:profile')
    expect(spans.filter(({ kind }) => kind === 'SERVER').map(({ status }) => status)).toEqual([
      'unset',
      'unset',
    ])
  })

  it('shows in both lists, from Postgres and then from Redis', async () => {
    const [fan, star] = [await resident(), await resident()]
    await fan.follow(star)
    for (const [list, owner, other] of [
      ['followers', star, fan],
      ['following', fan, star],
    ] as const) {
      const read = () => fan.get(`/api/users/${owner.id}/${list}`)
      const first = await journey(`the first look at ${list}`, read)
      expect(first.answer.body.profiles.map((it: { user_id: string }) => it.user_id)).toEqual([
        other.id,
      ])
      await first.trace.toBe(`
        gateway SERVER GET /api/users/{id}/${list}
          profile SERVER GET /api/users/{id}/${list}
            profile CLIENT GET ${list}  cache.hit=false
            profile CLIENT SET ${list}
            profile CLIENT SELECT follows
            profile CLIENT EVAL ${list}
      `)
      const second = await journey(`the second look at ${list}`, read)
      await second.trace.toBe(`
        gateway SERVER GET /api/users/{id}/${list}
          profile SERVER GET /api/users/{id}/${list}
            profile CLIENT GET ${list}  cache.hit=true
      `)
    }
  })
})
