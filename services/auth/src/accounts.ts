import type { Client } from '@clew/kit/client'
import type { Relay } from '@clew/kit/outbox'
import type { Postgres } from '@clew/kit/postgres'
import { v7 as uuid } from 'uuid'
import type { SessionCache } from './cache.ts'
import { type Events, userRegistered } from './events.ts'
import type { Keys } from './keys.ts'
import type { User } from './schemas.ts'
import { type Session, sessionSeconds } from './session.ts'
import { insertSession } from './store/sessions.ts'
import { insertIdentity, insertUser, type NewUser } from './store/users.ts'
import { createRefreshToken, signAccessToken } from './tokens.ts'

/** What a person gets who is in. */
export type Entry = { user: User; token: string; refreshToken: string }
export type Accounts = ReturnType<typeof createAccounts>

type Deps = {
  postgres: Postgres
  cache: SessionCache
  keys: Keys
  profile: Client
  relay: Relay
  events: Events
}

// A profile that takes longer is made from the event; the person need not wait for it.
const profileMs = 500

/** How people come in: for the first time, or again. */
export function createAccounts({ postgres, cache, keys, profile, relay, events }: Deps) {
  /**
   * Adds a person, their first session and the fact, all or nothing; then asks profile to prepare.
   * @throws Problem 409 when e-mail or username are taken
   */
  async function register(
    user: Omit<NewUser, 'id'>,
    identity?: { provider: string; subject: string },
  ): Promise<Entry> {
    const person = { ...user, id: uuid() }
    const session = startSession(person, ['user'], identity?.provider ?? 'password')
    const refresh = createRefreshToken()
    const createdAt = await postgres.transaction(async (tx) => {
      const { createdAt } = await insertUser(tx, person)
      if (identity) await insertIdentity(tx, { ...identity, userId: person.id })
      await insertSession(tx, session, refresh.hash)
      await userRegistered(tx, person, createdAt)
      return createdAt
    }, person.id)
    relay.wake()
    events.registered(person.id, session.provider)
    const [token] = await Promise.all([
      signAccessToken(keys, session),
      cache.write(session),
      createProfile(session.user, createdAt),
    ])
    return { user: session.user, token, refreshToken: refresh.token }
  }

  async function enter(user: User, roles: string[], provider: string): Promise<Entry> {
    const session = startSession(user, roles, provider)
    const refresh = createRefreshToken()
    await postgres.transaction((tx) => insertSession(tx, session, refresh.hash), user.id)
    events.loggedIn(user.id, provider)
    const [token] = await Promise.all([signAccessToken(keys, session), cache.write(session)])
    return { user: session.user, token, refreshToken: refresh.token }
  }

  async function createProfile(user: User, createdAt: Date): Promise<void> {
    try {
      await profile.request({
        method: 'POST',
        template: '/internal/profiles',
        body: { user_id: user.id, username: user.username, created_at: createdAt },
        idempotent: true,
        withinMs: profileMs,
      })
    } catch (error) {
      events.profileDelayed(user.id, error)
    }
  }
  return { register, enter }
}

function startSession({ id, email, username }: User, roles: string[], provider: string): Session {
  return {
    id: uuid(),
    user: { id, email, username },
    roles,
    provider,
    expiresAt: new Date(Date.now() + sessionSeconds * 1_000),
  }
}
