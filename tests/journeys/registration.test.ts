import { describe, expect, it } from 'vitest'
import { journey } from '../journey.ts'
import { newcomer, resident } from '../person.ts'

describe('registration', () => {
  it('makes an account, a session and a profile in one trace', async () => {
    const person = newcomer()
    const { answer, trace } = await journey('a newcomer registers', () => person.register())
    expect(answer.status).toBe(201)
    expect(answer.body).toEqual({
      message: expect.any(String),
      token: expect.any(String),
      refresh_token: expect.any(String),
      user: { id: expect.any(String), email: person.email, username: person.username },
    })
    const beforeEvent = `
      gateway SERVER POST /api/auth/register  http.response.status_code=201
        auth SERVER POST /api/auth/register  http.response.status_code=201 user.id=${person.id}
          auth CLIENT EVAL limit
          auth INTERNAL hash password
          auth CLIENT BEGIN
          auth CLIENT INSERT users
          auth CLIENT INSERT sessions
          auth CLIENT INSERT refresh_tokens
          auth PRODUCER publish events:auth  clew.event.type=user.registered
            auth CLIENT INSERT outbox
            profile CONSUMER process events:auth  clew.event.type=user.registered`
    await trace.toBe(
      `${beforeEvent}
              profile CLIENT INSERT profiles  db.response.returned_rows=0
          auth CLIENT COMMIT
          auth CLIENT SET session
          auth CLIENT POST /internal/profiles  http.response.status_code=201
            profile SERVER POST /internal/profiles  http.response.status_code=201
              profile CLIENT INSERT profiles  db.response.returned_rows=1
              profile CLIENT DEL profile
      `,
      // The event may overtake the call; the profile is made once all the same.
      `${beforeEvent}
              profile CLIENT INSERT profiles  db.response.returned_rows=1
              profile CLIENT DEL profile
          auth CLIENT COMMIT
          auth CLIENT SET session
          auth CLIENT POST /internal/profiles
            profile SERVER POST /internal/profiles
              profile CLIENT INSERT profiles  db.response.returned_rows=0
      `,
    )
    const profile = await person.get(`/api/users/${person.id}`)
    expect(profile.body).toMatchObject({ user_id: person.id, username: person.username })
  })

  it('of an e-mail that is taken writes nothing', async () => {
    const { email } = await resident()
    const other = newcomer()
    const { answer, trace } = await journey('an e-mail that is taken', () =>
      other.post('/api/auth/register', { ...typedBy(other), email }),
    )
    expect(answer.status).toBe(409)
    expect(answer.body).toMatchObject({ status: 409, errors: [{ field: 'email' }] })
    await trace.toBe(`
      gateway SERVER POST /api/auth/register  http.response.status_code=409
        auth SERVER POST /api/auth/register  http.response.status_code=409 !error.type
          auth CLIENT EVAL limit
          auth INTERNAL hash password
          auth CLIENT BEGIN
          auth CLIENT INSERT users  ERROR error.type=23505
          auth CLIENT ROLLBACK
      never: INSERT outbox, INSERT profiles
    `)
  })

  it('of one e-mail twice at once succeeds exactly once', async () => {
    const [one, other] = [newcomer(), newcomer()]
    const answers = await Promise.all([
      one.register(),
      other.post('/api/auth/register', { ...typedBy(other), email: one.email }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
  })

  it('names every field at fault, and writes nothing', async () => {
    const person = newcomer()
    const { answer, trace } = await journey('a form full of mistakes', () =>
      person.post('/api/auth/register', { email: 'no-address-at-all', username: 'a b', age: 7 }),
    )
    expect(answer.status).toBe(422)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body.trace_id).toBe(trace.id)
    const fields = answer.body.errors.map(({ field }: { field: string }) => field)
    expect(fields.sort()).toEqual(['age', 'email', 'password', 'username'])
    await trace.toBe(`
      gateway SERVER POST /api/auth/register  http.response.status_code=422
        auth SERVER POST /api/auth/register  http.response.status_code=422
    `)
  })

  it('refuses a null byte and a name that is too long', async () => {
    const person = newcomer()
    const nul = await person.post('/api/auth/register', {
      ...typedBy(person),
      password: 'null\0byte-in-it',
    })
    expect(nul.status).toBe(422)
    const long = await person.post('/api/auth/register', {
      ...typedBy(person),
      username: 'x'.repeat(31),
    })
    expect(long.status).toBe(422)
    expect((await person.register()).status).toBe(201)
  })

  it('of broken JSON is refused before anything is done', async () => {
    const { answer, trace } = await journey('broken JSON', () =>
      newcomer().post('/api/auth/register', '{"email": '),
    )
    expect(answer.status).toBe(400)
    await trace.toBe(`
      gateway SERVER POST /api/auth/register  http.response.status_code=400
        auth SERVER POST /api/auth/register  http.response.status_code=400
    `)
  })
})

function typedBy({ email, username, password }: ReturnType<typeof newcomer>) {
  return { email, username, password }
}
