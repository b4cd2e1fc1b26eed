import { createHmac } from 'node:crypto'
import { createBus } from '@clew/kit/bus'
import { openRedis } from '@clew/kit/redis'
import { exportSPKI, generateKeyPair } from 'jose'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Person, type Service, startService, waitUntil } from './service.ts'

let service: Service
let alice: Person

beforeAll(async () => {
  service = await startService()
  alice = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

function base64(value: object | string): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(text).toString('base64url')
}

const bad: Record<string, () => Promise<string> | string> = {
  absent: () => '',
  'of another scheme': () => 'Basic YTpi',
  'no token at all': () => 'Bearer x',
  expired: async () => `Bearer ${await service.auth.sign({ sub: alice.id }, { expires: 1 })}`,
  'of another issuer': async () =>
    `Bearer ${await service.auth.sign({ sub: alice.id }, { issuer: 'other' })}`,
  'of an unknown key': async () =>
    `Bearer ${await service.auth.sign({ sub: alice.id }, { kid: 'k9' })}`,
  'signed by somebody else': async () => {
    const { privateKey } = await generateKeyPair('RS256')
    return `Bearer ${await service.auth.sign({ sub: alice.id }, { key: privateKey })}`
  },
  'without a signature': () => {
    const claims = readClaims(alice.token)
    return `Bearer ${base64({ alg: 'none' })}.${base64(claims)}.`
  },
  'signed with the public key as a secret': async () => {
    const head = base64({ alg: 'HS256', kid: 'k1' })
    const claims = base64(readClaims(alice.token))
    const secret = await exportSPKI(service.auth.publicKey)
    const mac = createHmac('sha256', secret).update(`${head}.${claims}`).digest('base64url')
    return `Bearer ${head}.${claims}.${mac}`
  },
  changed: () => {
    const [head, , signature] = alice.token.split('.')
    const claims = { ...readClaims(alice.token), sub: uuid() }
    return `Bearer ${head}.${base64(claims)}.${signature}`
  },
  'without a session': async () =>
    `Bearer ${await service.auth.sign({ sub: alice.id, sid: undefined })}`,
}

function readClaims(token: string): object {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
}

test.each(Object.keys(bad))('a token that is %s is refused, with no hint why', async (kind) => {
  const authorization = await bad[kind]!()
  const lines = service.logs().length
  const answer = await service.ask('POST', `/api/users/${uuid()}/follow`, {
    ...(authorization && { headers: { authorization } }),
  })
  expect(answer.status).toBe(401)
  const { trace_id, ...body } = answer.body
  expect(body).toEqual({
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
    detail: 'A valid access token is needed.',
  })
  expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  await waitUntil(() => service.logs().length > lines)
  const said = service.logs().slice(lines)
  expect(said).toHaveLength(1)
  expect(said[0]).toMatchObject({ msg: 'token refused', trace_id })
  expect(JSON.stringify(said)).not.toContain(authorization.split(' ')[1] || 'nothing to find')
})

test('why is on the span of the request', async () => {
  const answer = await service.ask('GET', `/api/users/${alice.id}`, { token: 'x.y.z' })
  const span = await service.serverSpan(answer)
  expect(span.attributes['clew.refusal']?.value).toBe('ERR_JWS_INVALID')
})

test('a public read needs no token, but a bad one is refused there as well', async () => {
  const paths = ['', '/followers', '/following'].map((rest) => `/api/users/${alice.id}${rest}`)
  for (const path of [...paths, '/api/users/search?q=a']) {
    expect((await service.ask('GET', path)).status).toBe(200)
    expect((await service.ask('GET', path, { token: alice.token })).status).toBe(200)
    expect((await service.ask('GET', path, { token: 'x.y.z' })).status).toBe(401)
  }
})

test('who asks is on the span of the request', async () => {
  const answer = await service.ask('GET', `/api/users/${alice.id}`, { token: alice.token })
  const span = await service.serverSpan(answer)
  expect(span.attributes['user.id']?.value).toBe(alice.id)
})

test('a session that was revoked is refused, though its token would be good', async () => {
  const sid = uuid()
  const token = await service.auth.sign({ sub: alice.id, sid })
  const read = async () => (await service.ask('GET', `/api/users/${alice.id}`, { token })).status
  expect(await read()).toBe(200)
  await using redis = await openRedis(service.authRedisUrl)
  const fact = { id: uuid(), type: 'session.revoked', payload: { session_id: sid }, carrier: {} }
  await createBus(redis).append('events:auth', [fact])
  await waitUntil(async () => (await read()) === 401)
})

test('without news from Redis auth is asked, and without auth the signature has to do', async () => {
  const token = await service.auth.sign({ sub: alice.id })
  const revoked = await service.auth.sign({ sub: alice.id })
  service.auth.revoked.add(revoked)
  const read = async (shown: string) =>
    (await service.ask('GET', `/api/users/${alice.id}`, { token: shown })).status
  expect(await read(token)).toBe(200)
  expect(service.auth.asked).not.toContain('/api/validate/token')
  service.redis.cut()
  await waitUntil(async () => (await read(revoked)) === 401)
  expect(await read(token)).toBe(200)
  expect(service.auth.asked).toContain('/api/validate/token')
  await service.auth.close()
  const later = await service.auth.sign({ sub: alice.id })
  expect(await read(later)).toBe(200)
  service.redis.mend()
})
