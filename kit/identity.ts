import { runUntraced } from '@clew/telemetry/untraced'
import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Bus } from './bus.ts'
import { createClient } from './client.ts'
import { Problem } from './problem.ts'
import { followRevocations } from './revocations.ts'

/** Who is asking, as their access token says. Times are epoch seconds. */
export type Identity = {
  userId: string
  sessionId: string
  roles: string[]
  expiresAt: number
}
export type IdentityReader = {
  /**
   * The person behind an `Authorization` header.
   * @throws Problem 401, always with the same detail; why a token was refused is for the log only
   */
  require(authorization: string | undefined): Promise<Identity>
  /** As `require`, for a bare token; gives the reason instead of throwing. */
  read(token: string): Promise<Identity | { refused: string }>
}

export const issuer = 'clew'
export const audience = 'clew'

/** Sessions that were ended before their tokens expired. */
export type Revocations = {
  has(sessionId: string): boolean
  /** Whether news of revocations arrive; without Redis they do not. */
  current(): boolean
}
/** Asks auth itself about a token. @throws when auth cannot be reached */
export type Confirm = (token: string) => Promise<boolean>

/**
 * Reads tokens as every service but auth does: with auth's keys, the news of revoked sessions, and
 * auth itself to ask while no news arrive.
 */
export function openIdentity(
  authUrl: string,
  bus: Bus,
): IdentityReader & AsyncDisposable & { revocations: Revocations } {
  const resources = new AsyncDisposableStack()
  const auth = resources.use(createClient('auth', authUrl))
  const revocations = resources.use(followRevocations(bus))

  async function confirm(token: string): Promise<boolean> {
    const { body } = await auth.request<{ valid: boolean }>({
      method: 'POST',
      template: '/api/validate/token',
      body: { token },
      idempotent: true,
    })
    return body.valid
  }
  const reader = createIdentityReader(openRemoteKeys(authUrl), revocations, confirm)
  return { ...reader, revocations, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

/**
 * Verifies RS256 access tokens locally. A token that passed is remembered until it expires,
 * so that the signature is checked once; the revocations are asked every time.
 */
export function createIdentityReader(
  keys: JWTVerifyGetKey,
  revocations: Revocations,
  confirm: Confirm,
): IdentityReader {
  const verified = new LRUCache<string, Identity>({ max: 10_000 })
  const confirmed = new LRUCache<string, boolean>({ max: 10_000, ttl: 1_000 })

  // With auth away as well, the signature has to do: existing sessions go on.
  async function stands(token: string, sessionId: string): Promise<boolean> {
    if (revocations.current()) return !revocations.has(sessionId)
    const known = confirmed.get(token)
    if (known !== undefined) return known
    const answer = await confirm(token).catch(() => !revocations.has(sessionId))
    confirmed.set(token, answer)
    return answer
  }

  async function read(token: string): Promise<Identity | { refused: string }> {
    const known = verified.get(token)
    const identity = known ?? (await verify(token, keys))
    if ('refused' in identity) return identity
    if (identity.expiresAt <= Date.now() / 1000) return { refused: 'expired' }
    if (!(await stands(token, identity.sessionId))) return { refused: 'revoked' }
    if (!known) verified.set(token, identity)
    return identity
  }
  return {
    read,
    async require(authorization) {
      const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1]
      const identity = token
        ? await read(token)
        : { refused: authorization ? 'malformed' : 'absent' }
      if ('refused' in identity) throw unauthorized(identity.refused)
      return identity
    },
  }
}

const refreshMs = 10 * 60_000

/**
 * The public keys that auth serves: fetched at once, again every ten minutes, and when a token names
 * one that is not known yet. What was fetched last is kept for as long as auth is away.
 */
export function openRemoteKeys(authUrl: string): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', authUrl), {
    timeoutDuration: 1_000,
    cooldownDuration: 2_000,
    cacheMaxAge: Number.POSITIVE_INFINITY,
  })
  runUntraced(() => {
    fetchFirst(keys.reload)
    setInterval(() => keys.reload().catch(() => undefined), refreshMs).unref()
  })
  return keys
}

function fetchFirst(reload: () => Promise<void>, waitMs = 250) {
  const again = () => fetchFirst(reload, Math.min(waitMs * 2, 5_000))
  reload().catch(() => setTimeout(again, waitMs).unref())
}

// jose's codes for a bad token. Others, such as a key set that cannot be fetched, are our trouble.
const refusals = /^ERR_(JWT|JWS|JWE|JOSE_ALG|JOSE_NOT_SUPPORTED|JWKS_NO_MATCHING_KEY|JWKS_MULTIPLE)/

async function verify(
  token: string,
  keys: JWTVerifyGetKey,
): Promise<Identity | { refused: string }> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['RS256'],
      issuer,
      audience,
      requiredClaims: ['sub', 'sid', 'exp'],
    })
    return {
      userId: String(payload.sub),
      sessionId: String(payload.sid),
      roles: Array.isArray(payload.roles) ? payload.roles.map(String) : [],
      expiresAt: Number(payload.exp),
    }
  } catch (error) {
    const code = (error as { code?: string }).code
    // Without keys nobody can be told apart; that is our trouble, not the caller's.
    if (!code || !refusals.test(code)) {
      throw new Problem(503, 'Tokens cannot be checked right now.', { cause: error })
    }
    return { refused: code === 'ERR_JWT_EXPIRED' ? 'expired' : code }
  }
}

/** The one answer to every bad token. `reason` is its cause, for the log. */
export function unauthorized(reason: string): Problem {
  return new Problem(401, 'A valid access token is needed.', {
    headers: { 'www-authenticate': 'Bearer' },
    cause: reason,
  })
}
