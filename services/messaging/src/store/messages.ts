import type { Postgres, Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { recordSent } from '../events.ts'
import { addDirect, noConversation } from './conversations.ts'

/** A row as it is sent out; JSON turns `created_at` into ISO text. */
export type Message = {
  id: string
  conversation_id: string
  sender_id: string
  body: string
  created_at: Date
  client_id: string
}
/** A message, and everybody in its conversation, its sender included. */
export type Stored = { message: Message; memberIds: string[]; repeated: boolean }
/** Where to: a conversation that is there, or a person with whom there may be none yet. */
export type Target = { conversationId: string } | { personId: string }
export type Messages = ReturnType<typeof createMessages>

export const messageColumns = 'id, conversation_id, sender_id, body, created_at, client_id'
const mostMissed = 500
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * What people write, as row-level security shows it to one of them: `me` in every function.
 * All throw Problem 503 while Postgres is away.
 */
export function createMessages(postgres: Postgres) {
  /**
   * Stores a message and the fact that it was sent, in one transaction. One with a `clientId` that
   * the sender has used before is not stored again: the first comes back.
   * @throws Problem 404 unless the sender is a member; 409 when the client id is of a message elsewhere
   */
  async function add(
    me: string,
    target: Target,
    draft: { body: string; clientId: string },
  ): Promise<Stored> {
    try {
      return await postgres.transaction(async (tx) => {
        const conversationId =
          'personId' in target ? await addDirect(tx, me, target.personId) : target.conversationId
        const { message_id, member_ids } = await lock(tx, conversationId)
        const [message] = await tx.query<Message>(
          `insert into messages (id, conversation_id, sender_id, client_id, body)
           values ($1, $2, $3, $4, $5) on conflict (sender_id, client_id) do nothing
           returning ${messageColumns}`,
          [message_id, conversationId, me, draft.clientId, draft.body],
        )
        const memberIds = member_ids.split(' ')
        if (!message) throw await findRepeated(tx, me, draft.clientId, conversationId, memberIds)
        await recordSent(tx, message)
        return { message, memberIds, repeated: false }
      }, me)
    } catch (thrown) {
      if (thrown instanceof Repeated) return thrown.stored
      throw thrown
    }
  }

  /** One page, newest first, of those before `below` (an id). @throws Problem 404 unless a member */
  function list(me: string, conversationId: string, limit: number, below = lastId) {
    return postgres.transaction(async (tx) => {
      // One row more than asked for tells whether there is another page.
      const rows = await tx.query<Message>(
        `select ${messageColumns} from messages
         where conversation_id = $1 and id < $2 order by id desc limit $3`,
        [conversationId, below, limit + 1],
      )
      if (rows.length === 0) {
        const mine = 'select 1 from members where conversation_id = $1 and user_id = $2'
        const found = await tx.query(mine, [conversationId, me])
        if (found.length === 0) throw noConversation()
      }
      const messages = rows.slice(0, limit)
      return { messages, next: rows.length > limit ? messages.at(-1)?.id : undefined }
    }, me)
  }

  /** One message with whom it is for, as somebody of its conversation sees it, if it is there. */
  function find(me: string, messageId: string) {
    return postgres.transaction(async (tx) => {
      const [row] = await tx.query<Message & { member_ids: string }>(
        `select ${messageColumns}, member_ids(conversation_id) from messages where id = $1`,
        [messageId],
      )
      if (!row) return undefined
      const { member_ids, ...message } = row
      return { message, memberIds: member_ids.split(' ') }
    }, me)
  }

  /**
   * What was written in all conversations of `me` since the message `since` was: everything that
   * was not committed yet when it was written. So one that got its id before, and was committed
   * after, is not lost. Oldest first, up to 500; `more` when there are more.
   * @throws Problem 422 for a message that `me` cannot see
   */
  function missed(me: string, since: string) {
    return postgres.transaction(async (tx) => {
      const [last] = await tx.query<{ snapshot: string; floor: string }>(
        `select snapshot::text, ${idAt("created_at - interval '60 seconds'")} as floor
         from messages where id = $1`,
        [since],
      )
      if (!last) throw unknownSince()
      const rows = await tx.query<Message>(
        `select found.* from members
         join conversations on conversations.id = conversation_id and activity_id > $2
         cross join lateral (
           select ${messageColumns} from messages
           where messages.conversation_id = members.conversation_id and id > $2 and id <> $3
             and not pg_visible_in_snapshot(tx, $4::pg_snapshot)
           order by id limit ${mostMissed + 1}) as found
         where members.user_id = $1
         order by found.id limit ${mostMissed + 1}`,
        [me, last.floor, since, last.snapshot],
      )
      return { messages: rows.slice(0, mostMissed), more: rows.length > mostMissed }
    }, me)
  }

  return { add, list, find, missed }
}

/** Ends the transaction of a message that was stored before, undone but for what is found. */
class Repeated extends Error {
  override name = 'Repeated'
  readonly stored: Stored
  constructor(stored: Stored) {
    super('this message was stored before')
    this.stored = stored
  }
}

/**
 * Locks the conversation until the commit, and makes the message's id then: so within a conversation
 * the order of ids is the order of commits. The statement after this sees all that was committed before.
 */
async function lock(tx: Queryable, conversationId: string) {
  const [row] = await tx.query<{ message_id: string; member_ids: string }>(
    `update conversations set activity_id = uuidv7() where id = $1
     returning activity_id as message_id, member_ids(id)`,
    [conversationId],
  )
  if (!row) throw noConversation()
  return row
}

async function findRepeated(
  tx: Queryable,
  me: string,
  clientId: string,
  conversationId: string,
  memberIds: string[],
): Promise<Repeated | Problem> {
  const [message] = await tx.query<Message>(
    `select ${messageColumns} from messages
     where sender_id = $1 and client_id = $2 and conversation_id = $3`,
    [me, clientId, conversationId],
  )
  if (message) return new Repeated({ message, memberIds, repeated: true })
  return new Problem(409, 'This client_id is of a message in another conversation.')
}

function unknownSince(): Problem {
  const errors = [{ field: 'since', message: 'must be a message that you can see' }]
  return new Problem(422, 'Not acceptable: since.', { errors })
}

/** The lowest UUID of version 7 that could be made at a time, which an SQL expression gives. */
function idAt(time: string): string {
  const ms = `lpad(to_hex((extract(epoch from ${time}) * 1000)::bigint), 12, '0')`
  return `(${ms} || '70008000000000000000')::uuid`
}
