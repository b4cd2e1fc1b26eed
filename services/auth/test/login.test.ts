import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Auth, bearer, newcomer, resident, sessionOf, startAuth } from './start-auth.ts'

let auth: Auth
beforeAll(async () => {
  auth = await startAuth({ AUTH_RATE_LOGIN_FAILURES: '1000', AUTH_RATE_LOGIN_ADDRESS: '1000' })
})
afterAll(() => auth[Symbol.asyncDispose]())

const login = (email: string, password: string) => auth.post('/api/auth/login', { email, password })

describe('login', () => {
  it('gives tokens of a session of its own', async () => {
    const person = await resident(auth)
    const { status, body } = await login(person.email.toUpperCase(), person.password)
    expect(status).toBe(200)
    expect(Object.keys(body).sort()).toEqual(['message', 'refresh_token', 'token', 'user'])
    const { id, email, username } = person
    expect(body.user).toEqual({ id, email, username })
    expect(sessionOf(body.token)).not.toBe(sessionOf(person.token))
    const who = await auth.get('/api/validate/user', bearer(body.token))
    expect(who.body).toEqual({ id, email, username, provider: 'password' })
  })

  it('answers the same for a wrong password and an unknown account', async () => {
    const { email } = await resident(auth)
    const wrong = await login(email, 'not the password')
    const unknown = await login(newcomer().email, 'not the password')
    expect([wrong.status, unknown.status]).toEqual([401, 401])
    const { trace_id: a, ...wrongBody } = wrong.body
    const { trace_id: b, ...unknownBody } = unknown.body
    expect(wrongBody).toEqual(unknownBody)
    expect(a).not.toBe(b)
  })

  it('names what is missing', async () => {
    const { status, body } = await auth.post('/api/auth/login', { name: 'ada' })
    expect(status).toBe(422)
    expect(body.errors.map(({ field }: { field: string }) => field).sort()).toEqual([
      'email',
      'name',
      'password',
    ])
  })

  it.each(["' or 1=1 --", 'a\0b', 'x'.repeat(1_001)])(
    'takes %j for a wrong password at most',
    async (it) => {
      const { email } = await resident(auth)
      expect([401, 422]).toContain((await login(email, it)).status)
    },
  )
})
