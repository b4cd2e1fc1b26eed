import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '@clew/kit/test/eventually'
import {
  createLocalJWKSet,
  generateKeyPair,
  importJWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Auth, bearer, resident, sessionOf, startAuth } from './start-auth.ts'

let auth: Auth
let person: Awaited<ReturnType<typeof resident>>
beforeAll(async () => {
  auth = await startAuth()
  person = await resident(auth)
})
afterAll(() => auth[Symbol.asyncDispose]())

async function signingKey() {
  const folder = auth.settings.AUTH_KEYS
  const [file = ''] = await readdir(folder)
  return JSON.parse(await readFile(join(folder, file), 'utf8'))
}

/** A token as auth makes them, but for what the test changes. */
async function forge(
  claims: Partial<Record<keyof JWTPayload, unknown>> = {},
  header: { kid?: string; alg?: string } = {},
) {
  const { kid, jwk } = await signingKey()
  const now = Math.floor(Date.now() / 1_000)
  const { sub, sid } = { sub: person.id, sid: sessionOf(person.token) }
  const payload = { iss: 'clew', aud: 'clew', sub, sid, roles: ['user'], iat: now, exp: now + 60 }
  return {
    payload: { ...payload, ...claims } as JWTPayload,
    header: { alg: 'RS256', kid, ...header },
    jwk,
  }
}

async function sign(...args: Parameters<typeof forge>) {
  const { payload, header, jwk } = await forge(...args)
  return new SignJWT(payload).setProtectedHeader(header).sign(await importJWK(jwk, 'RS256'))
}

describe('access tokens', () => {
  it('can be verified by anybody who reads the public keys', async () => {
    const { body, headers } = await auth.get('/.well-known/jwks.json')
    expect(headers['cache-control']).toBe('public, max-age=60')
    expect(body.keys).toHaveLength(1)
    expect(Object.keys(body.keys[0]).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use'])
    const keys = createLocalJWKSet(body)
    const { payload, protectedHeader } = await jwtVerify(person.token, keys, {
      ...{ issuer: 'clew', audience: 'clew', algorithms: ['RS256'] },
    })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: body.keys[0].kid })
    expect(payload).toMatchObject({ sub: person.id, roles: ['user'] })
    expect(Number(payload.exp) - Number(payload.iat)).toBe(900)
  })

  it('are signed by a key that only its owner can read', async () => {
    const folder = auth.settings.AUTH_KEYS
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    for (const file of await readdir(folder)) {
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
    }
  })

  it('carry the roles a person has', async () => {
    const { email, password, id } = await resident(auth)
    await auth.rows(`update users set roles = '{user,admin}' where id = $1`, [id])
    const { body } = await auth.post('/api/auth/login', { email, password })
    const claims = JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString())
    expect(claims.roles).toEqual(['user', 'admin'])
  })
})

const past = Math.floor(Date.now() / 1_000) - 60
const bad: [string, () => Promise<string> | string][] = [
  ['no token', () => ''],
  ['a text', () => 'Bearer nonsense'],
  ['another scheme', () => 'Basic YWRhOmFkYQ=='],
  ['a malformed token', () => 'Bearer a.b.c'],
  [
    'an unsigned one (none)',
    async () => {
      const { payload } = await forge()
      return `Bearer ${new UnsecuredJWT(payload).encode()}`
    },
  ],
  ['no signature', async () => `Bearer ${person.token.split('.').slice(0, 2).join('.')}.`],
  [
    'HS256, keyed with the public key',
    async () => {
      const { payload, header, jwk } = await forge({}, { alg: 'HS256' })
      return `Bearer ${await new SignJWT(payload).setProtectedHeader(header).sign(Buffer.from(jwk.n))}`
    },
  ],
  ['a changed signature', () => `Bearer ${person.token.slice(0, -8)}AAAAAAAA`],
  [
    'a key of somebody else',
    async () => {
      const { payload, header } = await forge()
      const { privateKey } = await generateKeyPair('RS256')
      return `Bearer ${await new SignJWT(payload).setProtectedHeader(header).sign(privateKey)}`
    },
  ],
  ['an unknown kid', async () => `Bearer ${await sign({}, { kid: 'unknown' })}`],
  ['another issuer', async () => `Bearer ${await sign({ iss: 'evil' })}`],
  ['another audience', async () => `Bearer ${await sign({ aud: 'clew-oauth' })}`],
  ['an expired one', async () => `Bearer ${await sign({ exp: past })}`],
  ['no end', async () => `Bearer ${await sign({ exp: undefined })}`],
  ['no session', async () => `Bearer ${await sign({ sid: undefined })}`],
  [
    'a session that never was',
    async () => {
      return `Bearer ${await sign({ sid: '01970000-0000-7000-8000-000000000000' })}`
    },
  ],
  [
    "somebody else's session",
    async () => {
      const other = await resident(auth)
      await auth.forgetSession(sessionOf(other.token))
      return `Bearer ${await sign({ sid: sessionOf(other.token) })}`
    },
  ],
]

describe('a bad token: 401, always the same', () => {
  it('the forger of these tests makes good ones too', async () => {
    expect((await auth.get('/api/validate/user', bearer(await sign()))).status).toBe(200)
  })

  it.each(bad)('%s', async (_, authorization) => {
    const given = await authorization()
    const before = auth.log.length
    const answer = await auth.get('/api/validate/user', given ? { authorization: given } : {})
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect({ ...answer.body, trace_id: '' }).toEqual({
      ...{ type: 'about:blank', title: 'Unauthorized', status: 401, trace_id: '' },
      detail: 'A valid access token is needed.',
    })
    const linesOf = () => auth.log.slice(before).filter((line) => line.includes(answer.traceId))
    await eventually(() => linesOf().length > 0)
    const lines = linesOf()
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('token refused')
    if (given) expect(lines[0]).not.toContain(given.split(' ')[1])
  })
})

describe('asking about tokens', () => {
  it('one: who it is, or that it is not valid', async () => {
    const { id, email, username, token } = person
    const good = await auth.post('/api/validate/token', { token })
    expect(good.body).toEqual({ valid: true, user: { id, email, username, provider: 'password' } })
    const refused = await auth.post('/api/validate/token', { token: `${token}x` })
    expect([refused.status, refused.body]).toEqual([200, { valid: false }])
  })

  it('many: a verdict for each, in order', async () => {
    const ended = await resident(auth)
    await auth.post('/api/auth/logout', undefined, bearer(ended.token))
    const uncached = await resident(auth)
    await auth.forgetSession(sessionOf(uncached.token))
    const expired = await sign({ exp: past })
    const tokens = [uncached.token, 'x', ended.token, person.token, expired, person.token]
    const { body } = await auth.post('/api/validate/batch', { tokens })
    expect(body.results).toEqual([
      { token: uncached.token, valid: true, userId: uncached.id },
      { token: 'x', valid: false, reason: 'invalid' },
      { token: ended.token, valid: false, reason: 'revoked' },
      { token: person.token, valid: true, userId: person.id },
      { token: expired, valid: false, reason: 'expired' },
      { token: person.token, valid: true, userId: person.id },
    ])
  })

  it.each([
    [100, 200],
    [101, 422],
    [0, 422],
  ])('%i of them: %i', async (count, status) => {
    const tokens = Array.from({ length: count }, () => person.token)
    expect((await auth.post('/api/validate/batch', { tokens })).status).toBe(status)
  })
})
