import type { Postgres, Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import type { User } from '../schemas.ts'

export type StoredUser = User & { roles: string[]; passwordHash: string | undefined }
export type NewUser = User & { passwordHash?: string }

type Row = { id: string; email: string; username: string; roles: string[]; password_hash: string }

/** @throws Problem 409 naming the field that somebody else has */
export async function insertUser(tx: Queryable, user: NewUser): Promise<{ createdAt: Date }> {
  try {
    const [row] = await tx.query<{ created_at: Date }>(
      `insert into users (id, email, username, password_hash)
       values ($1, $2, $3, $4)
       returning created_at`,
      [user.id, user.email, user.username, user.passwordHash ?? null],
    )
    return { createdAt: row!.created_at }
  } catch (error) {
    throw takenField(error) ?? error
  }
}

export async function findUserByEmail(
  postgres: Postgres,
  email: string,
): Promise<StoredUser | undefined> {
  const [row] = await postgres.query<Row>(
    'select id, email, username, roles, password_hash from users where email = $1',
    [email],
  )
  return row && toUser(row)
}

/** The person whom a provider knows as `subject`. */
export async function findUserByIdentity(
  postgres: Postgres,
  provider: string,
  subject: string,
): Promise<StoredUser | undefined> {
  const [row] = await postgres.query<Row>(
    `select users.id, email, username, roles, password_hash
     from identities
     join users on users.id = identities.user_id
     where provider = $1 and subject = $2`,
    [provider, subject],
  )
  return row && toUser(row)
}

export async function insertIdentity(
  tx: Queryable,
  identity: { provider: string; subject: string; userId: string },
): Promise<void> {
  await tx.query('insert into identities (provider, subject, user_id) values ($1, $2, $3)', [
    identity.provider,
    identity.subject,
    identity.userId,
  ])
}

function toUser({ id, email, username, roles, password_hash }: Row): StoredUser {
  return { id, email, username, roles, passwordHash: password_hash ?? undefined }
}

const taken: Record<string, { field: string; detail: string }> = {
  users_email_key: { field: 'email', detail: 'This e-mail address is registered already.' },
  users_username_key: { field: 'username', detail: 'This username is taken.' },
}

function takenField(error: unknown): Problem | undefined {
  const { code, constraint } = error as { code?: string; constraint?: string }
  const found = code === '23505' ? taken[constraint ?? ''] : undefined
  if (!found) return undefined
  return new Problem(409, found.detail, {
    errors: [{ field: found.field, message: 'is taken' }],
    cause: error,
  })
}
