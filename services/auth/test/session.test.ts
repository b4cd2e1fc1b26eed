import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '@clew/tests/answer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Auth,
  bearer,
  openClient,
  resident,
  sessionOf,
  startAnother,
  startAuth,
} from './start-auth.ts'

let auth: Auth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth[Symbol.asyncDispose]())

const logout = (token: string) => auth.post('/api/auth/logout', undefined, bearer(token))
const refresh = (refreshToken: string) =>
  auth.post('/api/auth/refresh', { refresh_token: refreshToken })
const who = (token: string) => auth.get('/api/validate/user', bearer(token))

describe('logout', () => {
  it('ends the session: its tokens are refused, those of others are not', async () => {
    const person = await resident(auth)
    const { email, password } = person
    const other = await auth.post('/api/auth/login', { email, password })
    const answer = await logout(person.token)
    expect([answer.status, typeof answer.body.message]).toEqual([200, 'string'])
    expect((await who(person.token)).status).toBe(401)
    expect((await refresh(person.refreshToken)).status).toBe(401)
    expect((await logout(person.token)).status).toBe(401)
    expect((await who(other.body.token)).status).toBe(200)
  })

  it('is on the stream, once', async () => {
    const { token } = await resident(auth)
    await logout(token)
    const id = sessionOf(token)
    expect(await auth.facts('session.revoked', id)).toEqual([{ session_id: id }])
  })

  it('counts in every instance, even with the session still in Redis', async () => {
    await using another = await startAnother(auth)
    const { token } = await resident(auth)
    const there = () => ask(`${another.url}/api/validate/user`, { headers: bearer(token) })
    expect((await there()).status).toBe(200)
    await using redis = await openClient(auth.redis.url)
    const cached = (await redis.get(`auth:session:${sessionOf(token)}`)) ?? ''
    await logout(token)
    await redis.set(`auth:session:${sessionOf(token)}`, cached)
    while ((await there()).status !== 401) await sleep(20)
    expect((await who(token)).status).toBe(401)
  })

  const byCookie = (cookie: string) => auth.post('/api/auth/logout', undefined, { cookie })
  const cleared = /clew_token=;.*clew_refresh=;/

  it('takes either cookie too, and clears both', async () => {
    const [ada, bob] = [await resident(auth), await resident(auth)]
    const cookies = [`clew_token=${ada.token}`, `clew_refresh=${bob.refreshToken}`]
    for (const cookie of cookies) {
      const answer = await byCookie(cookie)
      expect(answer.status).toBe(200)
      expect(String(answer.headers['set-cookie'])).toMatch(cleared)
    }
    for (const { token } of [ada, bob]) {
      expect((await who(token)).status).toBe(401)
      const id = sessionOf(token)
      expect(await auth.facts('session.revoked', id)).toEqual([{ session_id: id }])
    }
  })

  it('ends the session by a refresh token that was used, as refreshing would', async () => {
    const { refreshToken } = await resident(auth)
    const { body } = await refresh(refreshToken)
    expect((await byCookie(`clew_refresh=${refreshToken}`)).status).toBe(200)
    expect((await who(body.token)).status).toBe(401)
  })

  it('clears cookies that are good for nothing', async () => {
    const { token, refreshToken } = await resident(auth)
    await logout(token)
    const cookies = [`clew_refresh=${refreshToken}`, 'clew_refresh=unknown', `clew_token=${token}`]
    for (const cookie of cookies) {
      const answer = await byCookie(cookie)
      expect(answer.status).toBe(401)
      expect(String(answer.headers['set-cookie'])).toMatch(cleared)
    }
  })
})

describe('refresh', () => {
  it('gives new tokens of the same session, for another 24 hours', async () => {
    const person = await resident(auth)
    const id = sessionOf(person.token)
    await auth.rows(`update sessions set expires_at = now() + interval '1 hour' where id = $1`, [
      id,
    ])
    const { status, body, headers } = await refresh(person.refreshToken)
    expect(status).toBe(200)
    expect(Object.keys(body).sort()).toEqual(['message', 'refresh_token', 'token'])
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['set-cookie']).toBeUndefined()
    expect(sessionOf(body.token)).toBe(id)
    expect(body.refresh_token).not.toBe(person.refreshToken)
    expect((await who(body.token)).status).toBe(200)
    const [row] = await auth.rows(
      `select expires_at > now() + interval '23 hours' as renewed from sessions where id = $1`,
      [id],
    )
    expect(row.renewed).toBe(true)
    expect((await refresh(body.refresh_token)).status).toBe(200)
  })

  it('with a token that was used before ends the whole session', async () => {
    const person = await resident(auth)
    const second = await refresh(person.refreshToken)
    const third = await refresh(second.body.refresh_token)
    expect((await refresh(person.refreshToken)).status).toBe(401)
    expect((await refresh(third.body.refresh_token)).status).toBe(401)
    expect((await who(third.body.token)).status).toBe(401)
    const id = sessionOf(person.token)
    expect(await auth.facts('session.revoked', id)).toEqual([{ session_id: id }])
  })

  it('of one token at once: exactly one is served, and the session ends', async () => {
    const { refreshToken, token } = await resident(auth)
    const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(refreshToken)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401])
    expect((await who(token)).status).toBe(401)
  })

  it('takes the cookie, and gives cookies back that no script can read', async () => {
    const { refreshToken, token } = await resident(auth)
    const cookie = `theme=dark; clew_refresh=${refreshToken}; x=y`
    const { status, body, headers } = await auth.post('/api/auth/refresh', undefined, { cookie })
    expect(status).toBe(200)
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^clew_token=eyJ.*; Max-Age=900; Path=\/;.*HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/^clew_refresh=.*; Max-Age=86400; Path=\/;.*HttpOnly; SameSite=Lax$/),
    ])
    expect(Object.keys(body)).toEqual(['message'])
    const [, given = ''] = /clew_refresh=([^;]*)/.exec(String(headers['set-cookie'])) ?? []
    expect((await refresh(given)).status).toBe(200)
    const other = await auth.post('/api/auth/refresh', undefined, { cookie: `clew_token=${token}` })
    expect([other.status, Object.keys(other.body)]).toEqual([200, ['message']])
  })

  it('takes a valid access token in place of one, which then counts as used', async () => {
    const person = await resident(auth)
    const { status, body } = await auth.post('/api/auth/refresh', {}, bearer(person.token))
    expect(status).toBe(200)
    expect((await refresh(body.refresh_token)).status).toBe(200)
    expect((await refresh(person.refreshToken)).status).toBe(401)
  })

  it.each([
    ['an unknown token', { refresh_token: 'x'.repeat(43) }, 401],
    ['an access token', { refresh_token: 'a.b.c' }, 401],
    ['nothing at all', undefined, 401],
    ['an empty one', { refresh_token: '' }, 422],
    ['a number', { refresh_token: 7 }, 422],
    ['another field', { token: 'x' }, 422],
    ['no object', '[]', 400],
  ])('%s is refused', async (_, body, status) => {
    expect((await auth.post('/api/auth/refresh', body)).status).toBe(status)
  })

  it('is refused once the session has expired', async () => {
    const { refreshToken, token } = await resident(auth)
    await auth.rows('update sessions set expires_at = now() where id = $1', [sessionOf(token)])
    await auth.forgetSession(sessionOf(token))
    expect((await refresh(refreshToken)).status).toBe(401)
    expect((await who(token)).status).toBe(401)
  })
})

it('sessions that ended a day ago are cleared away with their refresh tokens', async () => {
  const gone = await resident(auth)
  const stays = await resident(auth)
  await auth.rows(`update sessions set expires_at = now() - interval '25 hours' where id = $1`, [
    sessionOf(gone.token),
  ])
  // It clears away when it starts.
  await using _another = await startAnother(auth)
  const left = async () =>
    (await auth.rows('select session_id from refresh_tokens')).map((row) => row.session_id)
  while ((await left()).includes(sessionOf(gone.token))) await sleep(50)
  expect(await left()).toContain(sessionOf(stays.token))
})
