import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Answer } from '../answer.ts'
import { expectAway } from '../away.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { kill, without } from '../parts.ts'
import { newcomer, type Person, resident } from '../person.ts'
import { readPlatform } from '../platform.ts'
import { startTrickle, type Trickle } from '../trickle.ts'

// What still works while a part is away, in the order of the table in ARCHITECTURE.md.
// Each fault happens while somebody keeps using Clew.

let user: Person
let trickle: Trickle

describe('with a part away', () => {
  beforeEach(async () => {
    user = await resident()
    await user.get(`/api/users/${user.id}`)
    trickle = startTrickle(user)
    await sleep(500)
  })
  afterEach(() => trickle.stop())

  it('Redis: everything goes on, from Postgres', async () => {
    const [one, other] = [await resident(), await resident()]
    const newcome = newcomer()
    await without('redis', async () => {
      await trickle.again()
      const read = await one.get(`/api/users/${one.id}`)
      expect([read.status, read.headers['x-cache']]).toEqual([200, 'miss'])
      expect((await one.login()).status).toBe(200)
      expect((await newcome.register()).status).toBe(201)
      expect((await one.follow(other)).status).toBe(201)
      expect((await one.get('/api/validate/user')).status).toBe(200)
      // Whoever logs out is out, even where the news of it cannot be heard.
      expect((await other.post('/api/auth/logout')).status).toBe(200)
      expect(await untilStatus(() => other.get(`/api/users/${other.id}`), 401)).toBe(401)
    })
    // The facts of that time were kept, and arrive.
    expect(await untilEvent('events:profile', one.id)).toBe(true)
    expect(await untilEvent('events:auth', newcome.id)).toBe(true)
    expect((await one.get(`/api/users/${other.id}`)).body.follower_count).toBe(1)
    expect(await trickle.stop()).toEqual({ reads: [200], logins: [200] })
  })

  it('Postgres: what is cached can be read, and nothing is half done', async () => {
    const [one, other] = [await resident(), await resident()]
    await one.get(`/api/users/${one.id}`)
    const newcome = newcomer()
    await without('postgres', async () => {
      await trickle.again()
      const cached = await one.get(`/api/users/${one.id}`)
      expect([cached.status, cached.headers['x-cache']]).toEqual([200, 'hit'])
      expect((await one.get('/api/validate/user')).status).toBe(200)
      expectAway(await one.get(`/api/users/${other.id}`))
      expectAway(await one.login())
      expectAway(await one.follow(other))
      expectAway(await newcome.register())
    })
    expect((await newcome.register()).status).toBe(201)
    expect((await one.follow(other)).status).toBe(201)
    const { reads, logins } = await trickle.stop()
    expect(reads).toEqual([200])
    expect(logins).toEqual([200, 503])
  })

  it('profile: people still register, and get their profile when it is back', async () => {
    const newcome = newcomer()
    const { answer, trace } = await without('profile', async () => {
      await trickle.again()
      const registered = await journey('a registration without profile', () => newcome.register())
      expectAway(await newcome.get(`/api/users/${newcome.id}`))
      expect((await newcome.login()).status).toBe(200)
      return registered
    })
    expect(answer.status).toBe(201)
    await trace.toBe(`
      gateway SERVER POST /api/auth/register  http.response.status_code=201
        auth SERVER POST /api/auth/register  http.response.status_code=201
          auth CLIENT EVAL limit
          auth INTERNAL hash password
          auth CLIENT BEGIN
          auth CLIENT INSERT users
          auth CLIENT INSERT sessions
          auth CLIENT INSERT refresh_tokens
          auth PRODUCER publish events:auth  clew.event.type=user.registered
            auth CLIENT INSERT outbox
            profile CONSUMER process events:auth
              profile CLIENT INSERT profiles  db.response.returned_rows=1
              profile CLIENT DEL profile
          auth CLIENT COMMIT
          auth CLIENT SET session
          auth CLIENT POST /internal/profiles  ERROR error.type=ECONNREFUSED !http.request.resend_count
          auth CLIENT POST /internal/profiles  ERROR http.request.resend_count=1
          auth CLIENT POST /internal/profiles  ERROR http.request.resend_count=2
    `)
    const profile = await newcome.get(`/api/users/${newcome.id}`)
    expect([profile.status, profile.body.username]).toEqual([200, newcome.username])
    // The page of one who is read all the time is in the cache.
    expect(await trickle.stop()).toEqual({ reads: [200], logins: [200] })
  })

  it('profile: a page that was read before is shown as it was, and says that it is stale', async () => {
    const [read, unread] = [await resident(), await resident()]
    const before = await read.get(`/api/users/${read.id}`)
    const { answer, trace } = await without('profile', async () => {
      expectAway(await unread.get(`/api/users/${unread.id}`))
      expectAway(await read.follow(unread))
      return journey('a page without profile', () => read.get(`/api/users/${read.id}`))
    })
    expect([answer.status, answer.headers['x-cache']]).toEqual([200, 'stale'])
    expect(answer.body).toEqual(before.body)
    await trace.toBe(
      'gateway SERVER GET /api/users/{id}  http.response.status_code=200 clew.cache=stale !error.type',
    )
    const { trace: healthy } = await journey('the same page with profile', () =>
      read.get(`/api/users/${read.id}`),
    )
    await healthy.toBe(`
      gateway SERVER GET /api/users/{id}  clew.cache=hit
        profile SERVER GET /api/users/{id}
          profile CLIENT GET profile  cache.hit=true
    `)
  })

  it('auth: whoever is in stays in, and whoever is not is told so', async () => {
    const one = await resident()
    await without('auth', async () => {
      await trickle.again()
      // A token that profile has never seen; it keeps auth's keys.
      expect((await one.get(`/api/users/${one.id}`)).status).toBe(200)
      const { answer, trace } = await journey('a login without auth', () => one.login())
      expectAway(answer)
      await trace.toBe(
        'gateway SERVER POST /api/auth/login  ERROR http.response.status_code=503 error.type=503',
      )
    })
    expect((await one.login()).status).toBe(200)
    expect(await trickle.stop()).toEqual({ reads: [200], logins: [200, 503] })
  })

  it('lens: everything goes on, and the spans come when it is back', async () => {
    const newcome = newcomer()
    const away = await without('lens', async () => {
      const registered = await journey('a registration without lens', () => newcome.register())
      expect(registered.answer.status).toBe(201)
      await trickle.again()
      await sleep(1_000)
      return registered
    })
    await away.trace.toBe(`
      gateway SERVER POST /api/auth/register
        auth SERVER POST /api/auth/register
          auth CLIENT EVAL limit
          auth INTERNAL hash password
          auth CLIENT BEGIN
          auth CLIENT INSERT users
          auth CLIENT INSERT sessions
          auth CLIENT INSERT refresh_tokens
          auth PRODUCER publish events:auth
            auth CLIENT INSERT outbox
            profile CONSUMER process events:auth
              profile CLIENT INSERT profiles
          auth CLIENT COMMIT
          auth CLIENT SET session
          auth CLIENT POST /internal/profiles
            profile SERVER POST /internal/profiles
              profile CLIENT INSERT profiles
              profile CLIENT DEL profile
    `)
    expect(await trickle.stop()).toEqual({ reads: [200], logins: [200] })
  })

  it('auth killed at work: it comes back by itself, with all it knew', async () => {
    const fromMs = Date.now()
    await kill('auth')
    note({ cut: 'auth', fromMs, toMs: Date.now() })
    expect((await user.login()).status).toBe(200)
    const { reads, logins } = await trickle.stop()
    expect(reads).toEqual([200])
    // 502 is for the one whose answer broke off midway.
    expect([200, 502, 503]).toEqual(expect.arrayContaining(logins))
  })
})

async function untilStatus(act: () => Promise<Answer>, status: number): Promise<number> {
  for (let tries = 0; ; tries++) {
    const answer = await act()
    if (answer.status === status || tries > 20) return answer.status
    await sleep(100)
  }
}

/** Whether a fact about somebody arrives in a stream within some seconds. */
async function untilEvent(stream: string, userId: string): Promise<boolean> {
  const client = createClient({ url: readPlatform().urls.redis })
  await client.connect()
  try {
    for (let tries = 0; tries < 50; tries++) {
      const entries = (await client.xRevRange(stream, '+', '-', { COUNT: 200 })) ?? []
      if (entries.some(({ message }) => message.payload?.includes(userId))) return true
      await sleep(200)
    }
    return false
  } finally {
    client.destroy()
  }
}
