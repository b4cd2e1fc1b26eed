import { createHash, randomBytes } from 'node:crypto'
import { audience, issuer } from '@clew/kit/identity'
import { accessTokenSeconds } from '@clew/kit/revocations'
import { SignJWT } from 'jose'
import type { Keys } from './keys.ts'
import type { Session } from './session.ts'

/** An access token for the session, valid for 15 minutes and no longer than the session. */
export async function signAccessToken(keys: Keys, session: Session): Promise<string> {
  const { kid, key } = keys.signing()
  const now = Math.floor(Date.now() / 1_000)
  const sessionEnd = Math.floor(session.expiresAt.getTime() / 1_000)
  return new SignJWT({ sid: session.id, roles: session.roles })
    .setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(session.user.id)
    .setIssuedAt(now)
    .setExpirationTime(Math.min(now + accessTokenSeconds, sessionEnd))
    .sign(key)
}

/** 256 random bits for the client; only their hash is stored. */
export function createRefreshToken(): { token: string; hash: Buffer } {
  const token = randomBytes(32).toString('base64url')
  return { token, hash: hashRefreshToken(token) }
}

export function hashRefreshToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
