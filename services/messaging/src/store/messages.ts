import type { Postgres, Queryable } from '@clew/kit/postgres'
import { createTurns } from '@clew/kit/turns'
import { recordSent } from '../events.ts'
import { noConversation } from './conversation.ts'
import { addDirect } from './directs.ts'
import {
  lastId,
  type Message,
  type MessageRow,
  messageColumns,
  type Stored,
  toStored,
  withMembers,
} from './message.ts'
import { readMissed } from './missed.ts'
import { findRepeated, Repeated } from './repeated.ts'

type Added = Stored & { repeated: boolean }
type Draft = { body: string; clientId: string }
/** Where to: a conversation that is there, or a person with whom there may be none yet. */
export type Target = { conversationId: string } | { personId: string }
export type Messages = ReturnType<typeof createMessages>

/**
 * What people write, as row-level security shows it to one of them: `me` in every function.
 * All throw Problem 503 while Postgres is away.
 */
export function createMessages(postgres: Postgres) {
  const take = createTurns()

  /**
   * Stores a message and the fact that it was sent, in one transaction. One with a `clientId` that
   * the sender has used before is not stored again: the first comes back.
   * @throws Problem 404 unless the sender is a member; 409 when the client id is of a message elsewhere
   */
  function add(me: string, target: Target, draft: Draft): Promise<Added> {
    if ('personId' in target) return addNow(me, target, draft)
    return take(target.conversationId, () => addNow(me, target, draft))
  }

  async function addNow(me: string, target: Target, draft: Draft): Promise<Added> {
    try {
      return await postgres.transaction(async (tx) => {
        const conversationId =
          'personId' in target ? await addDirect(tx, me, target.personId) : target.conversationId
        const messageId = await lock(tx, conversationId)
        const [row] = await tx.query<MessageRow>(
          `insert into messages (id, conversation_id, sender_id, client_id, body)
           values ($1, $2, $3, $4, $5) on conflict (sender_id, client_id) do nothing
           returning ${withMembers}`,
          [messageId, conversationId, me, draft.clientId, draft.body],
        )
        if (!row) throw await findRepeated(tx, me, draft.clientId, conversationId)
        const stored = toStored(row)
        await recordSent(tx, stored.message)
        return { ...stored, repeated: false }
      }, me)
    } catch (thrown) {
      if (thrown instanceof Repeated) return { ...thrown.stored, repeated: true }
      // Taken out of the group just now, by a transaction that held the lock before this one.
      if ((thrown as { code?: string }).code === rowLevelSecurity) throw noConversation()
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
  function find(me: string, messageId: string): Promise<Stored | undefined> {
    return postgres.transaction(async (tx) => {
      const [row] = await tx.query<MessageRow>(
        `select ${withMembers} from messages where id = $1`,
        [messageId],
      )
      return row && toStored(row)
    }, me)
  }

  /**
   * A message of `me` with whom it is for, as they are now. `me` may have left the conversation
   * since: what was said is still to be delivered.
   */
  function findSent(me: string, messageId: string): Promise<Stored | undefined> {
    return postgres.transaction(async (tx) => {
      const [row] = await tx.query<MessageRow>(
        `select ${messageColumns}, member_ids from sent_message($1)`,
        [messageId],
      )
      return row && toStored(row)
    }, me)
  }

  /**
   * What was written in all conversations of `me` since the message `since`, the newest that is
   * known: everything with a later id, and everything that was not committed yet when `since` was
   * written. So one that got its id before, and was committed after, is not lost. What was said
   * before `me` was brought into a conversation is history, and not among it. Oldest first, in
   * portions of up to 500 messages and about 256 KB of JSON; `more` when there are more.
   * @param seen ids of the messages that came shortly before `since` did. Told these, it gives also
   *   what else was written in the 5 seconds before: on its way between instances one message may
   *   overtake another
   * @param after the last message of the portion before, `since` and `seen` being as they were for it
   * @throws Problem 422 for a message that `me` cannot see
   */
  function missed(me: string, since: string, seen?: string[], after?: string) {
    return postgres.transaction((tx) => readMissed(tx, me, { since, seen, after }), me)
  }

  return { add, list, find, findSent, missed }
}

const rowLevelSecurity = '42501'

/**
 * Locks the conversation until the commit, and makes the id of its next message then: so within a
 * conversation the order of ids is the order of commits. The statement after this sees all that was
 * committed before, so it is there that members are read.
 */
async function lock(tx: Queryable, conversationId: string): Promise<string> {
  const [row] = await tx.query<{ activity_id: string }>(
    'update conversations set activity_id = uuidv7() where id = $1 returning activity_id',
    [conversationId],
  )
  if (!row) throw noConversation()
  return row.activity_id
}
