import type { Postgres, Queryable } from '@clew/kit/postgres'
import { v7 as uuid } from 'uuid'
import { addMembers, noConversation } from './conversation.ts'

export type DirectStore = ReturnType<typeof createDirectStore>

/** Which conversation is between two people. Throws Problem 503 while Postgres is away. */
export function createDirectStore(postgres: Postgres) {
  /** The direct conversation of two, if they have one. */
  async function find(me: string, other: string): Promise<string | undefined> {
    const rows = await postgres.transaction(
      (tx) => tx.query<{ id: string }>(selectDirect, [directKey(me, other)]),
      me,
    )
    return rows[0]?.id
  }

  return { find }
}

/** The direct conversation of two, made unless it is there; both may try at once. */
export async function addDirect(tx: Queryable, me: string, other: string): Promise<string> {
  const key = directKey(me, other)
  const [made] = await tx.query<{ id: string }>(
    `insert into conversations (id, kind, direct_key, made_by, activity_id)
     values ($1, 'direct', $2, $3, $1) on conflict (direct_key) do nothing returning id`,
    [uuid(), key, me],
  )
  if (made) {
    await addMembers(tx, made.id, [me, other])
    return made.id
  }
  const [found] = await tx.query<{ id: string }>(selectDirect, [key])
  if (!found) throw noConversation()
  return found.id
}

const selectDirect = 'select id from conversations where direct_key = $1'

/** Sorted, so that it is the same for both. */
function directKey(me: string, other: string): string {
  return [me, other].sort().join(':')
}
