import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Auth, newcomer, sessionOf, startAuth } from './start-auth.ts'

let auth: Auth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth[Symbol.asyncDispose]())

const register = (body: unknown) => auth.post('/api/auth/register', body)

async function countUsers(): Promise<number> {
  const [{ count }] = await auth.rows('select count(*)::int as count from users')
  return count
}

describe('registration', () => {
  it('answers with the person and tokens that work', async () => {
    const { email, username, password } = newcomer()
    const { status, body, headers } = await register({
      ...{ email: `  ${email.toUpperCase()} `, username, password },
    })
    expect(status).toBe(201)
    expect(Object.keys(body).sort()).toEqual(['message', 'refresh_token', 'token', 'user'])
    expect(body.user).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{14}7/), email, username })
    expect(headers['cache-control']).toBe('no-store')
    const who = await auth.get('/api/validate/user', { authorization: `Bearer ${body.token}` })
    expect(who.body).toEqual({ ...body.user, provider: 'password' })
  })

  it('keeps neither password nor refresh token', async () => {
    const person = newcomer()
    const { body } = await register(person)
    const [user] = await auth.rows('select password_hash from users where id = $1', [body.user.id])
    expect(user.password_hash).toMatch(/^\$2b\$10\$/)
    const rows = await auth.rows('select hash from refresh_tokens where session_id = $1', [
      sessionOf(body.token),
    ])
    expect(rows).toHaveLength(1)
    expect(rows[0].hash).toHaveLength(32)
    expect(rows[0].hash.toString('base64url')).not.toBe(body.refresh_token)
  })

  it('tells profile, and the stream, once', async () => {
    const person = newcomer()
    const { body } = await register(person)
    const told = auth.neighbour.told.filter(
      (call) => (call.body as { user_id: string }).user_id === body.user.id,
    )
    const { username } = person
    expect(told).toEqual([
      expect.objectContaining({
        path: '/internal/profiles',
        body: { user_id: body.user.id, username, created_at: expect.stringMatching(/T.*Z$/) },
      }),
    ])
    expect(await auth.facts('user.registered', body.user.id)).toEqual([
      {
        user_id: body.user.id,
        username,
        display_name: username,
        created_at: (told[0]!.body as { created_at: string }).created_at,
      },
    ])
  })

  it('succeeds while profile fails', async () => {
    auth.neighbour.status = 500
    try {
      const { status, body } = await register(newcomer())
      expect(status).toBe(201)
      expect(await auth.facts('user.registered', body.user.id)).toHaveLength(1)
    } finally {
      auth.neighbour.status = 201
    }
  })
})

describe('what is taken', () => {
  it.each([
    ['email', (it: ReturnType<typeof newcomer>) => ({ ...newcomer(), email: it.email })],
    [
      'email',
      (it: ReturnType<typeof newcomer>) => ({ ...newcomer(), email: it.email.toUpperCase() }),
    ],
    ['username', (it: ReturnType<typeof newcomer>) => ({ ...newcomer(), username: it.username })],
    [
      'username',
      (it: ReturnType<typeof newcomer>) => ({ ...newcomer(), username: it.username.toUpperCase() }),
    ],
  ])('%s: 409', async (field, second) => {
    const first = newcomer()
    await register(first)
    const before = await countUsers()
    const { status, body } = await register(second(first))
    expect(status).toBe(409)
    expect(body).toMatchObject({ title: 'Conflict', errors: [{ field, message: 'is taken' }] })
    expect(await countUsers()).toBe(before)
  })

  it('two at once: exactly one gets in', async () => {
    const person = newcomer()
    const answers = await Promise.all(Array.from({ length: 6 }, () => register(person)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    const rows = await auth.rows('select id from sessions')
    const users = await auth.rows('select id from users')
    expect(rows).toHaveLength(users.length)
  })
})

describe('what does not fit', () => {
  const fine = newcomer()
  const { email: _email, ...withoutEmail } = fine
  it.each([
    ['no e-mail address', withoutEmail, ['email']],
    ['an e-mail address that is none', { ...fine, email: 'ada at home' }, ['email']],
    ['an e-mail address with a null byte', { ...fine, email: 'a\0da@mail.example' }, ['email']],
    [
      'too long an e-mail address',
      { ...fine, email: `${'a'.repeat(250)}@mail.example` },
      ['email'],
    ],
    ['a number for an e-mail address', { ...fine, email: 7 }, ['email']],
    ['too short a username', { ...fine, username: 'ad' }, ['username']],
    ['too long a username', { ...fine, username: 'a'.repeat(31) }, ['username']],
    ['a username with a space', { ...fine, username: 'ada lovelace' }, ['username']],
    ['a username with a null byte', { ...fine, username: 'ada\0lace' }, ['username']],
    ['too short a password', { ...fine, password: 'sh0rt!!' }, ['password']],
    ['a common password', { ...fine, password: 'Password123' }, ['password']],
    ['a password of one character', { ...fine, password: 'aaaaaaaaaaaa' }, ['password']],
    ['the username as password', { ...fine, password: fine.username.toUpperCase() }, ['password']],
    ['the e-mail address as password', { ...fine, password: fine.email }, ['password']],
    [
      'a password beyond what bcrypt reads',
      { ...fine, password: 'längst'.repeat(11) },
      ['password'],
    ],
    ['a password with a null byte', { ...fine, password: 'correct\0horse' }, ['password']],
    ['an unknown field', { ...fine, roles: ['admin'] }, ['roles']],
    [
      'several faults',
      { email: 'x', username: 'y', password: 'z' },
      ['email', 'username', 'password'],
    ],
  ])('%s: 422, and nothing is written', async (_, body, fields) => {
    const before = await countUsers()
    const answer = await register(body)
    expect(answer.status).toBe(422)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body.trace_id).toBe(answer.traceId)
    const named = answer.body.errors.map(({ field }: { field: string }) => field)
    expect([...new Set(named)]).toEqual(fields)
    expect(await countUsers()).toBe(before)
  })

  it.each([
    ['broken JSON', '{"email":'],
    ['no JSON', 'email=ada'],
    ['a list', '[]'],
    ['a text', '"ada"'],
    ['null', 'null'],
    ['bytes that are no text', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])],
    ['nothing', undefined],
  ])('%s: 400', async (_, body) => {
    const answer = await register(body)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400 })
  })
})

it('a form of another site is refused: 415', async () => {
  const answer = await auth.post('/api/auth/register', JSON.stringify(newcomer()), {
    'content-type': 'text/plain',
  })
  expect([answer.status, answer.body.title]).toEqual([415, 'Unsupported Media Type'])
})

describe('a body over 64 KB: 413', () => {
  const head =
    'POST /api/auth/register HTTP/1.1\r\nhost: auth\r\ncontent-type: application/json\r\n'

  it('sent whole', async () => {
    const answer = await register({ ...newcomer(), username: 'a'.repeat(70_000) })
    expect(answer.status).toBe(413)
    expect(answer.headers.connection).toBe('close')
  })

  it.each([
    ['announced and never sent', `${head}content-length: 10000000\r\n\r\n`],
    [
      'in pieces without an end',
      `${head}transfer-encoding: chunked\r\n\r\n${`4000\r\n${'a'.repeat(0x4000)}\r\n`.repeat(6)}`,
    ],
  ])('%s: the connection is not left hanging', async (_, bytes) => {
    const socket = connect(Number(new URL(auth.url).port), '127.0.0.1')
    socket.write(bytes)
    // Ends only when the server closes: the client never does.
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /)
  })
})
