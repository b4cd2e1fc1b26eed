import { setTimeout as sleep } from 'node:timers/promises'
import { attributes } from '@clew/conventions/attributes'
import type { Answer } from '@clew/tests/answer'
import type { TraceSpan } from '@clew/tests/trace'
import { describeTrace, parseTree, printTree } from '@clew/tests/tree'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Auth, bearer, newcomer, resident, sessionOf, startAuth } from './start-auth.ts'

let auth: Auth
beforeAll(async () => {
  auth = await startAuth()
})
afterAll(() => auth[Symbol.asyncDispose]())

/** Every span of the answer's trace, once it has ended. */
async function traceOf({ traceId }: Answer): Promise<TraceSpan[]> {
  for (;;) {
    const trace = auth.collector.spans().filter((span) => span.traceId === traceId)
    const ids = new Set(trace.map(({ id }) => id))
    const whole = trace.some(({ kind }) => kind === 'SERVER')
    if (whole && trace.every(({ kind, parentId }) => kind === 'SERVER' || ids.has(parentId))) {
      return trace.toSorted((a, b) => Number(a.start - b.start))
    }
    await sleep(50)
  }
}

async function expectTree(answer: Answer, text: string) {
  const tree = parseTree(text)
  expect(describeTrace(await traceOf(answer), tree)).toBe(printTree(tree))
}

const enter = (email: string, password: string) => auth.post('/api/auth/login', { email, password })

describe('what each route leaves: no span, statement or round trip more', () => {
  it('register', async () => {
    const answer = await auth.post('/api/auth/register', newcomer())
    await expectTree(
      answer,
      `
      auth SERVER POST /api/auth/register  http.response.status_code=201 user.id=${answer.body.user.id}
        auth CLIENT EVAL limit  !db.operation.batch.size
        auth INTERNAL hash password
        auth CLIENT BEGIN
        auth CLIENT INSERT users
        auth CLIENT INSERT sessions
        auth CLIENT INSERT refresh_tokens
        auth PRODUCER publish events:auth  clew.event.type=user.registered
          auth CLIENT INSERT outbox
        auth CLIENT COMMIT
        auth CLIENT SET session
        auth CLIENT POST /internal/profiles  http.response.status_code=201
      `,
    )
  })

  it('register, taken', async () => {
    const answer = await auth.post('/api/auth/register', await withoutTokens())
    await expectTree(
      answer,
      `
      auth SERVER POST /api/auth/register  http.response.status_code=409
        auth CLIENT EVAL limit
        auth INTERNAL hash password
        auth CLIENT BEGIN
        auth CLIENT INSERT users  ERROR error.type=23505
        auth CLIENT ROLLBACK
      never: publish, POST /internal/profiles
      `,
    )
  })

  it('login', async () => {
    const { email, password, id } = await resident(auth)
    await expectTree(
      await enter(email, password),
      `
      auth SERVER POST /api/auth/login  http.response.status_code=200 user.id=${id}
        auth CLIENT EVAL limit  db.operation.batch.size=3
        auth CLIENT SELECT users
        auth INTERNAL verify password
        auth CLIENT EVAL limit  db.operation.batch.size=2
        auth CLIENT BEGIN
        auth CLIENT INSERT sessions
        auth CLIENT INSERT refresh_tokens
        auth CLIENT COMMIT
        auth CLIENT SET session
      `,
    )
  })

  it('login, refused: the same for a wrong password and an unknown account', async () => {
    const { email } = await resident(auth)
    for (const who of [email, newcomer().email]) {
      await expectTree(
        await enter(who, 'not the password'),
        `
        auth SERVER POST /api/auth/login  http.response.status_code=401 clew.refusal=wrong_credentials !user.id
          auth CLIENT EVAL limit
          auth CLIENT SELECT users
          auth INTERNAL verify password
        `,
      )
    }
  })

  it('login, too many: nothing is looked up', async () => {
    const { email } = newcomer()
    const address = { 'x-forwarded-for': '198.51.100.1' }
    const guess = () => auth.post('/api/auth/login', { email, password: 'wrong' }, address)
    for (let tries = 0; tries < 10; tries++) await guess()
    await expectTree(
      await guess(),
      `
      auth SERVER POST /api/auth/login  http.response.status_code=429 clew.limit=login_account
        auth CLIENT EVAL limit  db.operation.batch.size=3
        auth CLIENT EVAL limit  !db.operation.batch.size
      `,
    )
  })

  it('refresh', async () => {
    const { refreshToken, id } = await resident(auth)
    await expectTree(
      await auth.post('/api/auth/refresh', { refresh_token: refreshToken }),
      `
      auth SERVER POST /api/auth/refresh  http.response.status_code=200 user.id=${id}
        auth CLIENT SELECT refresh_tokens
        auth CLIENT BEGIN
        auth CLIENT UPDATE refresh_tokens
        auth CLIENT UPDATE sessions
        auth CLIENT INSERT refresh_tokens
        auth CLIENT COMMIT
        auth CLIENT SET session
      `,
    )
    await expectTree(
      await auth.post('/api/auth/refresh', { refresh_token: refreshToken }),
      `
      auth SERVER POST /api/auth/refresh  http.response.status_code=401 clew.refusal=reused_refresh_token
        auth CLIENT SELECT refresh_tokens
        auth CLIENT BEGIN
        auth CLIENT UPDATE refresh_tokens
        auth CLIENT UPDATE sessions
        auth PRODUCER publish events:auth  clew.event.type=session.revoked
          auth CLIENT INSERT outbox
        auth CLIENT COMMIT
        auth CLIENT DEL session
      `,
    )
  })

  it('logout', async () => {
    const { token, id } = await resident(auth)
    await expectTree(
      await auth.post('/api/auth/logout', undefined, bearer(token)),
      `
      auth SERVER POST /api/auth/logout  http.response.status_code=200 user.id=${id}
        auth CLIENT GET session  cache.hit=true
        auth CLIENT BEGIN
        auth CLIENT UPDATE sessions
        auth PRODUCER publish events:auth  clew.event.type=session.revoked
          auth CLIENT INSERT outbox
        auth CLIENT COMMIT
        auth CLIENT DEL session
      `,
    )
  })

  it('logout by the refresh cookie', async () => {
    const { refreshToken, id } = await resident(auth)
    await expectTree(
      await auth.post('/api/auth/logout', undefined, { cookie: `clew_refresh=${refreshToken}` }),
      `
      auth SERVER POST /api/auth/logout  http.response.status_code=200 user.id=${id}
        auth CLIENT SELECT refresh_tokens
        auth CLIENT BEGIN
        auth CLIENT UPDATE sessions
        auth PRODUCER publish events:auth  clew.event.type=session.revoked
          auth CLIENT INSERT outbox
        auth CLIENT COMMIT
        auth CLIENT DEL session
      `,
    )
  })

  it('asking who the bearer is: the session cached, then not', async () => {
    const { token } = await resident(auth)
    await expectTree(
      await auth.get('/api/validate/user', bearer(token)),
      `
      auth SERVER GET /api/validate/user
        auth CLIENT GET session  cache.hit=true
      never: sessions
      `,
    )
    await auth.forgetSession(sessionOf(token))
    await expectTree(
      await auth.get('/api/validate/user', bearer(token)),
      `
      auth SERVER GET /api/validate/user
        auth CLIENT GET session  cache.hit=false
        auth CLIENT BEGIN
        auth CLIENT SELECT sessions
        auth CLIENT COMMIT
        auth CLIENT SET session
      `,
    )
  })

  it('many tokens: one round trip for all that are cached', async () => {
    const people = await Promise.all([resident(auth), resident(auth), resident(auth)])
    const answer = await auth.post('/api/validate/batch', {
      tokens: people.map(({ token }) => token),
    })
    await expectTree(
      answer,
      `
      auth SERVER POST /api/validate/batch
        auth CLIENT MGET session  cache.hit=true
      `,
    )
  })

  it('a refused body, and a path that is none', async () => {
    await expectTree(
      await auth.post('/api/auth/register', '{'),
      'auth SERVER POST /api/auth/register  http.response.status_code=400',
    )
    await expectTree(
      await auth.get('/api/nothing'),
      'auth SERVER GET  http.response.status_code=404',
    )
  })
})

describe('context', () => {
  it('comes from the caller and goes on to profile', async () => {
    const traceId = 'c1e0'.repeat(8)
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, baggage: 'clew.run=spans' }
    const answer = await auth.post('/api/auth/register', newcomer(), headers)
    expect(answer.traceId).toBe(traceId)
    expect(answer.headers.traceresponse).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
    const trace = await traceOf(answer)
    const call = trace.find(({ name }) => name === 'POST /internal/profiles')
    expect(auth.neighbour.told.at(-1)?.traceparent).toBe(`00-${traceId}-${call?.id}-01`)
    expect(trace.map(({ attributes }) => attributes['clew.run']?.value)).toEqual(
      trace.map(() => 'spans'),
    )
  })

  it.each([
    'nonsense',
    `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  ])('%s is ignored', async (traceparent) => {
    const answer = await auth.get('/.well-known/jwks.json', { traceparent })
    expect(answer.status).toBe(200)
    expect(answer.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(answer.traceId).not.toMatch(/^(0{32}|a{32})$/)
  })

  it('health checks leave no spans', async () => {
    for (const path of ['/livez', '/readyz']) expect((await auth.get(path)).traceId).toBe('')
  })
})

it('every attribute is declared, and nothing private is on a span or in the log', async () => {
  const address = '203.0.113.77'
  const person = await resident(auth)
  const { token, refreshToken, email, password, username } = person
  await auth.post('/api/auth/login', { email, password }, { 'x-forwarded-for': address })
  await auth.post('/api/auth/register', person)
  await auth.get('/api/validate/user', bearer(`${token}x`))
  const last = await auth.post('/api/auth/refresh', { refresh_token: `${refreshToken}x` })
  await traceOf(last)

  const spans = auth.collector.spans()
  const undeclared = spans.flatMap((span) =>
    Object.entries(span.attributes)
      .filter(([name, { type }]) => attributes[name as keyof typeof attributes]?.type !== type)
      .map(([name]) => name),
  )
  expect(undeclared).toEqual([])
  const shown = JSON.stringify([spans, auth.log], (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  for (const secret of [email, password, username, address, refreshToken, token.split('.')[2]]) {
    expect(shown).not.toContain(secret)
  }
})

async function withoutTokens() {
  const { email, username, password } = await resident(auth)
  return { email, username, password }
}
