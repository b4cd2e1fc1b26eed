import type { Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { type Message, messageColumns } from './message.ts'

/** What a client has, and which portion of the rest it asks for. */
export type Known = {
  /** The newest message. */
  since: string
  /** Those that came shortly before `since` did. */
  seen?: string[] | undefined
  /** The last message of the portion before this one. */
  after?: string | undefined
}

const mostMissed = 500
const mostBytes = 256 * 1024
// A message in JSON without what it says, generously.
const frameBytes = 300
const firstId = '00000000-0000-0000-0000-000000000000'

/**
 * What `me` missed; see `Messages.missed`. What was said before they came to a conversation is
 * history. Whoever said something held the lock on the conversation, and so did whoever brought
 * them in: the id of the last message before they came is where the one ends and the other begins.
 */
export async function readMissed(tx: Queryable, me: string, { since, seen, after }: Known) {
  const [last] = await tx.query<{ snapshot: string; floor: string; overtaken: string }>(
    `select snapshot::text, ${idBefore('60 seconds')} as floor,
       ${idBefore('5 seconds')} as overtaken
     from messages where id = $1`,
    [since],
  )
  if (!last) throw unknownSince()
  const rows = await tx.query<Message & { found: number }>(selectPortion, [
    me,
    last.floor,
    [since, ...(seen ?? [])],
    seen ? last.overtaken : since,
    last.snapshot,
    after ?? firstId,
  ])
  const messages = rows.map(({ found: _, ...message }) => message)
  return { messages, more: (rows[0]?.found ?? 0) > messages.length }
}

// A body is measured as it will be sent: in JSON one byte may become six. One always fits.
const selectPortion = `
  select ${messageColumns}, found from (
    select *, count(*) over ()::int as found, row_number() over oldest_first as place,
      sum(octet_length(to_json(body)::text) + ${frameBytes}) over oldest_first as bytes
    from (
      select missed.* from members
      join conversations on conversations.id = conversation_id and activity_id > $2
      cross join lateral (
        select ${messageColumns} from messages
        where messages.conversation_id = members.conversation_id
          and id > greatest($2, $6, joined_after) and id <> all($3::uuid[])
          and (id > $4 or not pg_visible_in_snapshot(tx, $5::pg_snapshot))
        order by id limit ${mostMissed + 1}) as missed
      where members.user_id = $1
      order by missed.id limit ${mostMissed + 1}) as candidates
    window oldest_first as (order by id)) as measured
  where place <= ${mostMissed} and bytes <= ${mostBytes}
  order by id`

function unknownSince(): Problem {
  const errors = [{ field: 'since', message: 'must be a message that you can see' }]
  return new Problem(422, 'Not acceptable: since.', { errors })
}

/** The lowest UUID of version 7 that could have been made this long before the message, in SQL. */
function idBefore(interval: string): string {
  const seconds = `date_part('epoch', created_at - interval '${interval}')`
  return `(lpad(to_hex((${seconds} * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid`
}
