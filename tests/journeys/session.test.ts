import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { newcomer, resident } from '../person.ts'

describe('a session', () => {
  it('goes on with a new refresh token for the old one', async () => {
    const person = await resident()
    const old = person.refreshToken
    const { answer, trace } = await journey('a refresh', () =>
      person.post('/api/auth/refresh', { refresh_token: old }),
    )
    expect(answer.status).toBe(200)
    expect(answer.body.refresh_token).not.toBe(old)
    await trace.toBe(`
      gateway SERVER POST /api/auth/refresh  http.response.status_code=200
        auth SERVER POST /api/auth/refresh  user.id=${person.id}
          auth CLIENT SELECT refresh_tokens
          auth CLIENT BEGIN
          auth CLIENT UPDATE refresh_tokens
          auth CLIENT UPDATE sessions
          auth CLIENT INSERT refresh_tokens
          auth CLIENT COMMIT
          auth CLIENT SET session
    `)
  })

  it('ends for both when a refresh token is used twice', async () => {
    const person = await resident()
    const stolen = person.refreshToken
    await person.post('/api/auth/refresh', { refresh_token: stolen })
    const thief = newcomer()
    const { answer, trace } = await journey('a stolen refresh token', () =>
      thief.post('/api/auth/refresh', { refresh_token: stolen }),
    )
    expect(answer.status).toBe(401)
    await trace.toBe(`
      gateway SERVER POST /api/auth/refresh  http.response.status_code=401
        auth SERVER POST /api/auth/refresh  http.response.status_code=401
          auth CLIENT SELECT refresh_tokens
          auth CLIENT BEGIN
          auth CLIENT UPDATE refresh_tokens  db.response.returned_rows=0
          auth CLIENT UPDATE sessions
          auth PRODUCER publish events:auth  clew.event.type=session.revoked
            auth CLIENT INSERT outbox
          auth CLIENT COMMIT
          auth CLIENT DEL session
    `)
    const mine = await person.post('/api/auth/refresh', { refresh_token: person.refreshToken })
    expect(mine.status).toBe(401)
    expect(await statusAt(person, 'profile')).toBe(401)
  })

  it('is told of by its token', async () => {
    const person = await resident()
    const { answer, trace } = await journey('whose token is this', () =>
      newcomer().post('/api/validate/token', { token: person.token }),
    )
    expect(answer.body).toEqual({
      valid: true,
      user: {
        id: person.id,
        email: person.email,
        username: person.username,
        provider: 'password',
      },
    })
    await trace.toBe(`
      gateway SERVER POST /api/validate/token  http.response.status_code=200
        auth SERVER POST /api/validate/token
          auth CLIENT GET session  cache.hit=true
    `)
  })

  it('is told of to the one whose it is', async () => {
    const person = await resident()
    const { answer, trace } = await journey('who am I', () => person.get('/api/validate/user'))
    expect(answer.body).toMatchObject({ id: person.id, provider: 'password' })
    await trace.toBe(`
      gateway SERVER GET /api/validate/user
        auth SERVER GET /api/validate/user  user.id=${person.id}
          auth CLIENT GET session  cache.hit=true
    `)
  })

  it('is looked up for many tokens in one round trip', async () => {
    const [one, other] = [await resident(), await resident()]
    const { answer, trace } = await journey('whose tokens are these', () =>
      newcomer().post('/api/validate/batch', { tokens: [one.token, other.token, 'forged.to.ken'] }),
    )
    expect(answer.body.results).toEqual([
      { token: one.token, valid: true, userId: one.id },
      { token: other.token, valid: true, userId: other.id },
      { token: 'forged.to.ken', valid: false, reason: 'invalid' },
    ])
    await trace.toBe(`
      gateway SERVER POST /api/validate/batch
        auth SERVER POST /api/validate/batch
          auth CLIENT MGET session
    `)
  })

  it('ends everywhere within a second of the logout', async () => {
    const person = await resident()
    expect((await person.get(`/api/users/${person.id}`)).status).toBe(200)
    const { answer, trace } = await journey('a logout', () => person.post('/api/auth/logout'))
    expect(answer.status).toBe(200)
    expect(await statusAt(person, 'auth')).toBe(401)
    expect(await statusAt(person, 'profile')).toBe(401)
    await trace.toBe(`
      gateway SERVER POST /api/auth/logout  http.response.status_code=200
        auth SERVER POST /api/auth/logout  user.id=${person.id}
          auth CLIENT GET session  cache.hit=true
          auth CLIENT BEGIN
          auth CLIENT UPDATE sessions
          auth PRODUCER publish events:auth  clew.event.type=session.revoked
            auth CLIENT INSERT outbox
          auth CLIENT COMMIT
          auth CLIENT DEL session
      never: CONSUMER
    `)
    const refresh = await newcomer().post('/api/auth/refresh', {
      refresh_token: person.refreshToken,
    })
    expect(refresh.status).toBe(401)
  })
})

/** What the token gives, as soon as it gives 401, else after a second. */
async function statusAt(
  person: Awaited<ReturnType<typeof resident>>,
  service: 'auth' | 'profile',
): Promise<number> {
  const path = service === 'auth' ? '/api/validate/user' : `/api/users/${person.id}`
  const deadline = Date.now() + 1_000
  for (;;) {
    const { status } = await person.get(path)
    if (status === 401 || Date.now() > deadline) return status
    await sleep(50)
  }
}
