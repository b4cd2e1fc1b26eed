import type { Postgres, Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { v7 as uuid } from 'uuid'
import { mostMembers } from '../schemas.ts'
import type { Message } from './messages.ts'

/** A conversation as one of its members sees it. */
export type Conversation = {
  id: string
  kind: 'direct' | 'group'
  title: string | null
  /** Ids, in order. */
  members: string[]
  member_count: number
  last_message: Message | null
  /** Of others; 100 stands for 100 or more. */
  unread_count: number
  last_read_id: string | null
  created_at: Date
}
export type ConversationStore = ReturnType<typeof createConversationStore>

const shownMembers = 20
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * Conversations and who is in them, as row-level security shows them to one person: `me` in every
 * function. All throw Problem 503 while Postgres is away.
 */
export function createConversationStore(postgres: Postgres) {
  /** One page, most recently active first, of those last active before `below` (an id). */
  function list(me: string, limit: number, below = lastId) {
    return postgres.transaction(async (tx) => {
      // One row more than asked for tells whether there is another page.
      const rows = await tx.query<Row>(selectPage, [me, below, limit + 1])
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

  /** The direct conversation of two, if they have one. */
  async function findDirect(me: string, other: string): Promise<string | undefined> {
    const rows = await postgres.transaction(
      (tx) => tx.query<{ id: string }>(selectDirect, [directKey(me, other)]),
      me,
    )
    return rows[0]?.id
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

  return { list, get, findDirect, markRead, findMembers, findAcquainted }
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

export function noConversation(): Problem {
  return new Problem(404, 'There is no such conversation.')
}

type Row = Omit<Conversation, 'members' | 'member_count'> & {
  activity_id: string
  member_ids: string
}

const selectDirect = 'select id from conversations where direct_key = $1'

// Counted within the newest thousand: who writes much and reads nothing is not counted to the end.
const countUnread = `
  cross join lateral (
    select count(*)::int as unread_count from (
      select from (
        select sender_id from messages
        where messages.conversation_id = mine.conversation_id
          and messages.id > coalesce(mine.last_read_id, '00000000-0000-0000-0000-000000000000')
        order by messages.id desc limit 1000) as newest
      where sender_id <> mine.user_id limit 100) as counted) as unread`

/** What is counted and looked up is so for the chosen alone, which the inner query finds first. */
function selectConversations(chosen: string): string {
  return `
    select mine.id, kind, title, mine.created_at, activity_id, last_read_id,
      member_ids(mine.id), to_jsonb(last) as last_message, unread_count
    from (
      select conversations.*, conversation_id, user_id, last_read_id from conversations
      join members on conversation_id = conversations.id
      where user_id = $1 and ${chosen}) as mine ${countUnread}
    left join lateral (
      select messages.id, messages.conversation_id, sender_id, body, messages.created_at, client_id
      from messages where messages.conversation_id = mine.id
      order by messages.id desc limit 1) as last on true
    order by activity_id desc`
}

const selectPage = selectConversations('activity_id < $2 order by activity_id desc limit $3')
const selectOne = selectConversations('conversations.id = $2')

/** With all its members. @throws Problem 404 unless `me` is one of them */
export async function readConversation(
  tx: Queryable,
  me: string,
  id: string,
): Promise<Conversation> {
  const [row] = await tx.query<Row>(selectOne, [me, id])
  if (!row) throw noConversation()
  return toConversation(row, mostMembers)
}

function toConversation({ activity_id: _, member_ids, ...row }: Row, shown: number): Conversation {
  const members = member_ids.split(' ')
  const { last_message } = row
  return {
    ...row,
    members: members.slice(0, shown),
    member_count: members.length,
    // Within JSON Postgres writes times its own way.
    last_message: last_message && {
      ...last_message,
      created_at: new Date(last_message.created_at),
    },
  }
}

/** Those who are in it already stay as they are. */
export async function addMembers(
  tx: Queryable,
  id: string,
  people: string[],
  lastReadId: string | null = null,
): Promise<void> {
  await tx.query(
    `insert into members (conversation_id, user_id, last_read_id)
     select $1, person, $3 from unnest($2::uuid[]) as person
     on conflict do nothing`,
    [id, people, lastReadId],
  )
}

/** Sorted, so that it is the same for both. */
function directKey(me: string, other: string): string {
  return [me, other].sort().join(':')
}
