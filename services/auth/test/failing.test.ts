import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Auth, bearer, newcomer, resident, sessionOf, startAuth } from './start-auth.ts'

let auth: Auth
beforeEach(async () => {
  auth = await startAuth()
})
afterEach(() => auth[Symbol.asyncDispose]())

const who = (token: string) => auth.get('/api/validate/user', bearer(token))
const ready = async () => (await auth.get('/readyz')).body

describe.each(['cut', 'stall'] as const)('Redis is away (%s)', (how) => {
  it('everything works, from Postgres', async () => {
    const before = await resident(auth)
    auth.redisLink[how]()
    const person = newcomer()
    const registered = await auth.post('/api/auth/register', person)
    expect(registered.status).toBe(201)
    const { email, password } = person
    const login = await auth.post('/api/auth/login', { email, password })
    expect(login.status).toBe(200)
    expect((await who(before.token)).status).toBe(200)
    expect((await who(login.body.token)).status).toBe(200)
    const refreshed = await auth.post('/api/auth/refresh', {
      refresh_token: login.body.refresh_token,
    })
    expect(refreshed.status).toBe(200)
    const token = refreshed.body.token
    expect((await auth.post('/api/auth/logout', undefined, bearer(token))).status).toBe(200)
    expect((await who(token)).status).toBe(401)
    const tokens = [token, before.token]
    const { body } = await auth.post('/api/validate/batch', { tokens })
    expect(body.results.map(({ valid }: { valid: boolean }) => valid)).toEqual([false, true])
    expect((await ready()).status).toBe('ok')
    expect((await ready()).checks.redis).not.toBe('ok')

    auth.redisLink.mend()
    const { id } = registered.body.user
    expect(await auth.facts('user.registered', id)).toHaveLength(1)
    expect(await auth.facts('session.revoked', sessionOf(token))).toHaveLength(1)
  })
})

describe('Postgres is away', () => {
  it('cached sessions are known, writes get a clear 503, and it comes back', async () => {
    const person = await resident(auth)
    auth.postgresLink.cut()
    expect((await who(person.token)).status).toBe(200)
    expect((await auth.post('/api/validate/token', { token: person.token })).body.valid).toBe(true)
    const { email, password, refreshToken, token } = person
    const answers = [
      await auth.post('/api/auth/register', newcomer()),
      await auth.post('/api/auth/login', { email, password }),
      await auth.post('/api/auth/refresh', { refresh_token: refreshToken }),
      await auth.post('/api/auth/logout', undefined, bearer(token)),
    ]
    for (const { status, headers, body } of answers) {
      expect(status).toBe(503)
      expect(headers['retry-after']).toBe('1')
      expect(body.detail).toContain('database')
    }
    expect(await ready()).toMatchObject({ status: 'unavailable', checks: { redis: 'ok' } })
    expect((await auth.get('/livez')).status).toBe(200)

    auth.postgresLink.mend()
    expect((await auth.post('/api/auth/login', { email, password })).status).toBe(200)
    expect((await auth.post('/api/auth/refresh', { refresh_token: refreshToken })).status).toBe(200)
    expect((await ready()).status).toBe('ok')
  })

  it('logins that cannot be looked at are no failures: nobody is locked out afterwards', async () => {
    const { email, password } = await resident(auth)
    const login = async () => (await auth.post('/api/auth/login', { email, password })).status
    auth.postgresLink.cut()
    const found: number[] = []
    for (let tries = 0; tries < 11; tries++) found.push(await login())
    expect(found).toEqual(Array(11).fill(503))
    auth.postgresLink.mend()
    expect(await login()).toBe(200)
  })

  it('a session that is not cached is not refused, it cannot be told', async () => {
    const { token } = await resident(auth)
    await auth.forgetSession(sessionOf(token))
    auth.postgresLink.cut()
    expect((await who(token)).status).toBe(503)
    expect((await auth.post('/api/validate/token', { token })).status).toBe(503)
  })

  it('the trace says why, once', async () => {
    auth.postgresLink.cut()
    const { traceId } = await auth.post('/api/auth/login', { email: 'a@b.example', password: 'x' })
    const spans = () => auth.collector.spans().filter((span) => span.traceId === traceId)
    await expect.poll(() => spans().some(({ kind }) => kind === 'SERVER')).toBe(true)
    expect(spans().find(({ kind }) => kind === 'SERVER')?.status).toBe('error')
    const events = spans().flatMap(({ events }) => events.map(({ name }) => name))
    expect(events).toEqual(['exception'])
  })
})

describe('profile is away', () => {
  it('registration succeeds, and the fact waits for profile on the stream', async () => {
    await auth.neighbour[Symbol.asyncDispose]()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => auth.post('/api/auth/register', newcomer())),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201))
    for (const { body } of answers) {
      expect(await auth.facts('user.registered', body.user.id)).toHaveLength(1)
    }
  })
})

describe('SIGTERM', () => {
  it('lets requests in flight finish, takes no more, and ends with 0', async () => {
    const exit = once(auth.child, 'exit')
    const flying = Array.from({ length: 6 }, () => auth.post('/api/auth/register', newcomer()))
    // bcrypt takes two at a time, so with the first answered others are still in flight.
    await Promise.race(flying)
    auth.child.kill('SIGTERM')
    const answers = await Promise.all(flying)
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201))
    expect(await exit).toEqual([0, null])
    await expect(auth.get('/livez')).rejects.toThrow()
    const sent = auth.collector.spans().filter(({ kind }) => kind === 'SERVER')
    expect(sent).toHaveLength(6)
  })
})
