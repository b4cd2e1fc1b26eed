import type { Postgres } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import {
  type Conversation,
  type ConversationRow,
  countUnread,
  noConversation,
  readConversation,
  selectPage,
  toConversation,
} from './conversation.ts'
import { lastId } from './message.ts'

export type ConversationStore = ReturnType<typeof createConversationStore>

const shownMembers = 20

/**
 * Conversations and who is in them, as row-level security shows them to one person: `me` in every
 * function. All throw Problem 503 while Postgres is away.
 */
export function createConversationStore(postgres: Postgres) {
  /** One page, most recently active first, of those last active before `below` (an id). */
  function list(me: string, limit: number, below = lastId) {
    return postgres.transaction(async (tx) => {
      // One row more than asked for tells whether there is another page.
      const rows = await tx.query<ConversationRow>(selectPage, [me, below, limit + 1])
      const shown = rows.slice(0, limit)
      return {
        conversations: shown.map((row) => toConversation(row, shownMembers)),
        next: rows.length > limit ? shown.at(-1)?.activity_id : undefined,
      }
    }, me)
  }

  /** With all its members. @throws Problem 404 unless `me` is one of them */
  function get(me: string, id: string): Promise<Conversation> {
    return postgres.transaction((tx) => readConversation(tx, me, id), me)
  }

  /**
   * Says how far `me` has read; it never goes back. `moved` tells whether this was news.
   * @throws Problem 404 unless the message is in this conversation, and `me` too
   */
  function markRead(me: string, id: string, messageId: string) {
    return postgres.transaction(async (tx) => {
      const [mark] = await tx.query<{ moved: boolean; member_ids: string }>(
        `update members set last_read_id = greatest(last_read_id, messages.id)
         from messages
         where messages.id = $3 and messages.conversation_id = $2
           and members.conversation_id = $2 and members.user_id = $1
         returning new.last_read_id is distinct from old.last_read_id as moved,
           member_ids(members.conversation_id)`,
        [me, id, messageId],
      )
      if (!mark) throw new Problem(404, 'There is no such message here.')
      const [unread] = await tx.query<{ unread_count: number }>(
        `select unread_count from members as mine ${countUnread}
         where conversation_id = $2 and user_id = $1`,
        [me, id],
      )
      return {
        unreadCount: unread?.unread_count ?? 0,
        moved: mark.moved,
        memberIds: mark.member_ids.split(' '),
      }
    }, me)
  }

  /** Everybody in a conversation, `me` included. @throws Problem 404 unless `me` is a member */
  async function findMembers(me: string, id: string): Promise<string[]> {
    const [row] = await postgres.transaction(
      (tx) =>
        tx.query<{ ids: string | null }>(
          'select member_ids(id) as ids from conversations where id = $1',
          [id],
        ),
      me,
    )
    if (!row?.ids) throw noConversation()
    return row.ids.split(' ')
  }

  /** Those of `people` with whom `me` shares a conversation. */
  async function findAcquainted(me: string, people: string[]): Promise<string[]> {
    const rows = await postgres.transaction(
      (tx) =>
        tx.query<{ user_id: string }>(
          `select distinct others.user_id from members as mine
           join members as others using (conversation_id)
           where mine.user_id = $1 and others.user_id = any($2)`,
          [me, people],
        ),
      me,
    )
    return rows.map((row) => row.user_id)
  }

  return { list, get, markRead, findMembers, findAcquainted }
}
