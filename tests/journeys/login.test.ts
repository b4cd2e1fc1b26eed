import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { newcomer, resident } from '../person.ts'

const refused = `
  gateway SERVER POST /api/auth/login  http.response.status_code=401
    auth SERVER POST /api/auth/login  http.response.status_code=401 !user.id !error.type
      auth CLIENT EVAL limit
      auth CLIENT SELECT users
      auth INTERNAL verify password
`

describe('login', () => {
  it('opens a session', async () => {
    const person = await resident()
    const { answer, trace } = await journey('a resident logs in', () => person.login())
    expect(answer.status).toBe(200)
    expect(answer.body.user).toEqual({
      id: person.id,
      email: person.email,
      username: person.username,
    })
    await trace.toBe(`
      gateway SERVER POST /api/auth/login  http.response.status_code=200
        auth SERVER POST /api/auth/login  user.id=${person.id}
          auth CLIENT EVAL limit
          auth CLIENT SELECT users  db.response.returned_rows=1
          auth INTERNAL verify password
          auth CLIENT EVAL limit
          auth CLIENT BEGIN
          auth CLIENT INSERT sessions
          auth CLIENT INSERT refresh_tokens
          auth CLIENT COMMIT
          auth CLIENT SET session
      never: publish, INSERT users
    `)
  })

  it('with a wrong password is refused', async () => {
    const { email } = await resident()
    const password = 'not-the-password-of-anybody'
    const { answer, trace } = await journey('a wrong password', () =>
      newcomer().post('/api/auth/login', { email, password }),
    )
    expect(answer.status).toBe(401)
    await trace.toBe(refused)
  })

  it('of nobody is refused alike: the same answer, the same spans, the same work', async () => {
    const { email } = await resident()
    const stranger = newcomer()
    const wrong = await newcomer().post('/api/auth/login', {
      email,
      password: 'not-the-password-of-anybody',
    })
    const { answer, trace } = await journey('nobody logs in', () => stranger.login())
    expect(answer.status).toBe(401)
    expect({ ...answer.body, trace_id: '' }).toEqual({ ...wrong.body, trace_id: '' })
    await trace.toBe(refused)
    // The same work: a password is verified for nobody, too, at the same cost.
    const verified = (await trace.spans()).find(({ name }) => name === 'verify password')
    expect(Number(verified!.end - verified!.start) / 1e6).toBeGreaterThan(10)
  })

  it('is limited for one account, and says when to come back', async () => {
    const person = await resident()
    const wrong = { email: person.email, password: 'not-the-password-of-anybody' }
    let answer = await person.post('/api/auth/login', wrong)
    for (let tries = 1; tries < 12 && answer.status === 401; tries++) {
      answer = await person.post('/api/auth/login', wrong)
    }
    expect(answer.status).toBe(429)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    // Someone else's address is another matter.
    expect((await newcomer().post('/api/auth/login', wrong)).status).toBe(401)
  })
})
