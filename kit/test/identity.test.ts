import { createLocalJWKSet, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { createIdentityReader, openRemoteKeys } from '../identity.ts'

const { privateKey, publicKey } = await generateKeyPair('RS256')
const keys = createLocalJWKSet({
  keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }],
})
let token: string
beforeAll(async () => {
  token = await new SignJWT({ sid: 'session', roles: ['user'] })
    .setProtectedHeader({ alg: 'RS256', kid: 'one' })
    .setIssuer('clew')
    .setAudience('clew')
    .setSubject('ada')
    .setExpirationTime('1 minute')
    .sign(privateKey)
})

const ada = { userId: 'ada', sessionId: 'session', roles: ['user'] }
const never = async () => Promise.reject(new Error('not to be asked'))

/** Revocations as news of them arrive, or do not. */
function revocations(current: boolean) {
  const revoked = new Set<string>()
  return { revoked, has: (id: string) => revoked.has(id), current: () => current }
}

describe('with news of revocations', () => {
  it('a token counts until its session is revoked, though it was verified before', async () => {
    const news = revocations(true)
    const reader = createIdentityReader(keys, news, never)
    expect(await reader.read(token)).toMatchObject(ada)
    expect(await reader.require(`bearer ${token}`)).toMatchObject(ada)
    news.revoked.add('session')
    expect(await reader.read(token)).toEqual({ refused: 'revoked' })
    await expect(reader.require(`Bearer ${token}`)).rejects.toMatchObject({
      ...{ status: 401, cause: 'revoked', headers: { 'www-authenticate': 'Bearer' } },
    })
  })
})

describe('without news of revocations', () => {
  it('auth is asked, and its answer is kept for a moment', async () => {
    let asked = 0
    const confirm = async () => ++asked > 1
    const reader = createIdentityReader(keys, revocations(false), confirm)
    expect(await reader.read(token)).toEqual({ refused: 'revoked' })
    expect(await reader.read(token)).toEqual({ refused: 'revoked' })
    expect(asked).toBe(1)
  })

  it('and without auth the signature has to do', async () => {
    const news = revocations(false)
    const reader = createIdentityReader(keys, news, never)
    expect(await reader.read(token)).toMatchObject(ada)
    news.revoked.add('session')
    const again = createIdentityReader(keys, news, never)
    expect(await again.read(token)).toEqual({ refused: 'revoked' })
  })
})

it('keys that cannot be fetched are our trouble, not the caller’s', async () => {
  const reader = createIdentityReader(
    openRemoteKeys('http://127.0.0.1:1'),
    revocations(true),
    never,
  )
  await expect(reader.read(token)).rejects.toMatchObject({ status: 503 })
  await expect(reader.require(undefined)).rejects.toMatchObject({ status: 401, cause: 'absent' })
  await expect(reader.require('Bearer x')).rejects.toMatchObject({
    status: 401,
    cause: 'malformed',
  })
})
