import { createIdentityReader, unauthorized } from '@clew/kit/identity'
import type { Relay } from '@clew/kit/outbox'
import type { Postgres } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import type { SessionCache } from './cache.ts'
import { type Events, identify } from './events.ts'
import type { Keys } from './keys.ts'
import type { Session } from './session.ts'
import {
  findRefreshToken,
  findSession,
  type Rotation,
  replaceRefreshTokens,
  revokeSession,
  rotateRefreshToken,
} from './store/sessions.ts'
import { createRefreshToken, hashRefreshToken, signAccessToken } from './tokens.ts'

/** Why a token does not count; enough for the client, too little for a forger. */
export type Refusal = { refused: 'expired' | 'revoked' | 'invalid' }
export type Renewal = { token: string; refreshToken: string }
export type Sessions = ReturnType<typeof createSessions>

type Deps = {
  postgres: Postgres
  cache: SessionCache
  keys: Keys
  relay: Relay
  events: Events
  /** Sessions that ended lately, for when Redis forgot to drop one. */
  revocations: { has(sessionId: string): boolean }
}

/** Sessions that run: who holds one, how it goes on, how it ends. Redis first, Postgres behind. */
export function createSessions({ postgres, cache, keys, relay, events, revocations }: Deps) {
  // Here the session itself is looked up, so nobody need be asked about it.
  const known = { has: revocations.has, current: () => true }
  const reader = createIdentityReader(keys.find, known, async () => true)

  /** @throws Problem 401, always the same, unless the token is ours and its session runs */
  async function require(authorization: string | undefined): Promise<Session> {
    const identity = await reader.require(authorization)
    const { sessionId, userId } = identity
    const session = (await cache.read(sessionId)) ?? (await findStored(sessionId, userId))
    if (!session) throw unauthorized('revoked')
    identify(session.user.id)
    return session
  }

  /** As `require`, for many tokens at once, in order; the cached sessions in one round trip. */
  async function check(tokens: string[]): Promise<(Session | Refusal)[]> {
    const identities = await Promise.all(tokens.map(reader.read))
    const ids = identities.flatMap((it) => ('refused' in it ? [] : [it.sessionId]))
    const cached = await readCached([...new Set(ids)])
    const verdicts = await Promise.all(
      identities.map(async (it): Promise<Session | Refusal> => {
        if ('refused' in it) return { refused: coarse(it.refused) }
        const session = cached.get(it.sessionId) ?? (await findStored(it.sessionId, it.userId))
        return session ?? { refused: 'revoked' }
      }),
    )
    const refused = verdicts.filter((it) => 'refused' in it).length
    events.tokensChecked(verdicts.length - refused, refused)
    return verdicts
  }

  async function readCached(ids: string[]): Promise<Map<string, Session>> {
    const [only] = ids
    if (only === undefined) return new Map()
    const found = ids.length === 1 ? [await cache.read(only)] : await cache.readMany(ids)
    return new Map(found.flatMap((session) => (session ? [[session.id, session]] : [])))
  }

  async function findStored(id: string, userId: string): Promise<Session | undefined> {
    const stored = await findSession(postgres, id, userId)
    if (stored) await cache.write(stored)
    return stored
  }

  /** Ends a session. Its tokens are refused here at once, elsewhere when the fact arrives. */
  async function end({ id, user }: Session): Promise<void> {
    await revokeSession(postgres, id, user.id)
    await ended(id, user.id)
  }

  /**
   * As `end`, for someone who shows a refresh token of the session, be it the last one or not.
   * @throws Problem 401 when it is unknown, or its session has ended before
   */
  async function endBy(refreshToken: string): Promise<void> {
    const known = await findRefreshToken(postgres, hashRefreshToken(refreshToken))
    if (!known) throw unauthorized('unknown_refresh_token')
    const { sessionId, userId } = known
    if (!(await revokeSession(postgres, sessionId, userId))) throw unauthorized('revoked')
    await ended(sessionId, userId)
  }

  async function ended(sessionId: string, userId: string): Promise<void> {
    relay.wake()
    await cache.drop(sessionId)
    events.loggedOut(userId, sessionId)
  }

  /** @throws Problem 401 when the token is unknown, was used before, or its session has ended */
  async function refresh(token: string): Promise<Renewal> {
    const fresh = createRefreshToken()
    return renewed(
      await rotateRefreshToken(postgres, hashRefreshToken(token), fresh.hash),
      fresh.token,
    )
  }

  /** For someone who shows a valid access token instead. */
  async function renew(session: Session): Promise<Renewal> {
    const fresh = createRefreshToken()
    return renewed(
      await replaceRefreshTokens(postgres, session.id, session.user.id, fresh.hash),
      fresh.token,
    )
  }

  async function renewed(rotation: Rotation, refreshToken: string): Promise<Renewal> {
    if (rotation.outcome === 'rotated') {
      events.refreshed(rotation.session.user.id)
      const [token] = await Promise.all([
        signAccessToken(keys, rotation.session),
        cache.write(rotation.session),
      ])
      return { token, refreshToken }
    }
    if (rotation.outcome === 'reused') {
      relay.wake()
      await cache.drop(rotation.sessionId)
      events.refreshReused(rotation.sessionId)
    } else events.refreshRefused()
    throw new Problem(401, 'This refresh token cannot be used. Log in again.')
  }
  return { require, check, end, endBy, refresh, renew }
}

function coarse(reason: string): Refusal['refused'] {
  return reason === 'expired' || reason === 'revoked' ? reason : 'invalid'
}
