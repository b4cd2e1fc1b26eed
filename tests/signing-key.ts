import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { audience, issuer } from '@clew/kit/identity'
import { type CryptoKey, importJWK, SignJWT } from 'jose'
import { note } from './notes.ts'
import { readPlatform } from './platform.ts'

/** The key that the platform's auth signs with: `key` for signing, `text` is the public half as JSON. */
export async function readSigningKey(): Promise<{ kid: string; key: CryptoKey; text: string }> {
  const folder = readPlatform().env.AUTH_KEYS ?? ''
  const [file = ''] = (await readdir(folder)).filter((name) => /^key-\d+\.json$/.test(name))
  const { kid, jwk } = JSON.parse(await readFile(join(folder, file), 'utf8'))
  const { n, e, kty } = jwk
  const key = (await importJWK(jwk, 'RS256')) as CryptoKey
  return { kid, key, text: JSON.stringify({ kty, n, e }) }
}

/**
 * Tokens as auth would give them, for people who never registered: to have many at once, or one with
 * a role that no route gives.
 */
export async function signTokens(userIds: string[], roles: string[] = []): Promise<string[]> {
  const { kid, key } = await readSigningKey()
  const tokens = await Promise.all(
    userIds.map((sub) =>
      new SignJWT({ sub, sid: randomUUID(), roles })
        .setProtectedHeader({ alg: 'RS256', kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('10m')
        .sign(key),
    ),
  )
  note(...tokens.map((secret) => ({ secret })))
  return tokens
}
