import type { Postgres, Queryable } from '@clew/kit/postgres'
import { sessionRevoked } from '../events.ts'
import { type Session, sessionSeconds } from '../session.ts'

/** What became of a refresh token that was handed in. */
export type Rotation =
  | { outcome: 'rotated'; session: Session }
  | { outcome: 'reused'; sessionId: string }
  | { outcome: 'refused' }

type Row = {
  id: string
  user_id: string
  email: string
  username: string
  roles: string[]
  provider: string
  expires_at: Date
}

export async function insertSession(
  tx: Queryable,
  session: Session,
  refreshHash: Buffer,
): Promise<void> {
  await tx.query(
    'insert into sessions (id, user_id, provider, expires_at) values ($1, $2, $3, $4)',
    [session.id, session.user.id, session.provider, session.expiresAt],
  )
  await insertRefreshToken(tx, refreshHash, session.id, session.user.id)
}

/** A session that still runs. Row-level security shows only those of `userId`. */
export async function findSession(
  postgres: Postgres,
  id: string,
  userId: string,
): Promise<Session | undefined> {
  const rows = await postgres.transaction(
    (tx) =>
      tx.query<Row>(
        `select sessions.id, user_id, email, username, roles, provider, expires_at
         from sessions
         join users on users.id = sessions.user_id
         where sessions.id = $1 and revoked_at is null and expires_at > now()`,
        [id],
      ),
    userId,
  )
  return rows[0] && toSession(rows[0])
}

/** @returns whether the session ran until now */
export async function revokeSession(
  postgres: Postgres,
  id: string,
  userId: string,
): Promise<boolean> {
  return postgres.transaction((tx) => revoke(tx, id), userId)
}

/** Which session a refresh token belongs to, whether it was used or not. */
export async function findRefreshToken(
  postgres: Postgres,
  hash: Buffer,
): Promise<{ sessionId: string; userId: string } | undefined> {
  const [row] = await postgres.query<{ session_id: string; user_id: string }>(
    'select session_id, user_id from refresh_tokens where hash = $1',
    [hash],
  )
  return row && { sessionId: row.session_id, userId: row.user_id }
}

/**
 * Replaces a refresh token by a new one and gives the session another 24 hours. A token that was
 * replaced before ends the session: one of the two who hold it has stolen it. That is strict: of two
 * clients that send one token at once the first is served, the second refused, and both must log in.
 */
export async function rotateRefreshToken(
  postgres: Postgres,
  hash: Buffer,
  newHash: Buffer,
): Promise<Rotation> {
  const known = await findRefreshToken(postgres, hash)
  if (!known) return { outcome: 'refused' }
  const { sessionId, userId } = known
  return postgres.transaction(async (tx): Promise<Rotation> => {
    const used = await tx.query(
      `update refresh_tokens set used_at = now() where hash = $1 and used_at is null
       returning session_id`,
      [hash],
    )
    if (used.length > 0) return renew(tx, sessionId, userId, newHash)
    await revoke(tx, sessionId)
    return { outcome: 'reused', sessionId }
  }, userId)
}

/** As `rotateRefreshToken`, for someone who shows a valid access token in place of the refresh token. */
export async function replaceRefreshTokens(
  postgres: Postgres,
  sessionId: string,
  userId: string,
  newHash: Buffer,
): Promise<Rotation> {
  return postgres.transaction(async (tx) => {
    await tx.query(
      'update refresh_tokens set used_at = now() where session_id = $1 and used_at is null',
      [sessionId],
    )
    return renew(tx, sessionId, userId, newHash)
  }, userId)
}

/** Forgets sessions that ended over a day ago, with their refresh tokens. */
export async function dropEndedSessions(postgres: Postgres): Promise<void> {
  await postgres.query('select drop_ended_sessions()')
}

async function renew(
  tx: Queryable,
  sessionId: string,
  userId: string,
  newHash: Buffer,
): Promise<Rotation> {
  const [row] = await tx.query<Row>(
    `update sessions set expires_at = now() + make_interval(secs => $2)
     from users
     where sessions.id = $1 and users.id = user_id and revoked_at is null and expires_at > now()
     returning sessions.id, user_id, email, username, roles, provider, expires_at`,
    [sessionId, sessionSeconds],
  )
  if (!row) return { outcome: 'refused' }
  await insertRefreshToken(tx, newHash, sessionId, userId)
  return { outcome: 'rotated', session: toSession(row) }
}

async function revoke(tx: Queryable, id: string): Promise<boolean> {
  const revoked = await tx.query(
    'update sessions set revoked_at = now() where id = $1 and revoked_at is null returning id',
    [id],
  )
  if (revoked.length > 0) await sessionRevoked(tx, id)
  return revoked.length > 0
}

async function insertRefreshToken(tx: Queryable, hash: Buffer, sessionId: string, userId: string) {
  await tx.query('insert into refresh_tokens (hash, session_id, user_id) values ($1, $2, $3)', [
    hash,
    sessionId,
    userId,
  ])
}

function toSession({ id, user_id, email, username, roles, provider, expires_at }: Row): Session {
  return {
    id,
    user: { id: user_id, email, username },
    roles,
    provider,
    expiresAt: expires_at,
  }
}
