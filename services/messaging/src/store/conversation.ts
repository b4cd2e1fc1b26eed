import type { Queryable } from '@clew/kit/postgres'
import { Problem } from '@clew/kit/problem'
import { mostMembers } from '../schemas.ts'
import type { Message } from './message.ts'

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
export type ConversationRow = Omit<Conversation, 'members' | 'member_count'> & {
  activity_id: string
  member_ids: string
}

export function noConversation(): Problem {
  return new Problem(404, 'There is no such conversation.')
}

// Counted within the newest thousand: who writes much and reads nothing is not counted to the end.
export const countUnread = `
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

export const selectPage = selectConversations('activity_id < $2 order by activity_id desc limit $3')
const selectOne = selectConversations('conversations.id = $2')

/** With all its members. @throws Problem 404 unless `me` is one of them */
export async function readConversation(
  tx: Queryable,
  me: string,
  id: string,
): Promise<Conversation> {
  const [row] = await tx.query<ConversationRow>(selectOne, [me, id])
  if (!row) throw noConversation()
  return toConversation(row, mostMembers)
}

export function toConversation(
  { activity_id: _, member_ids, ...row }: ConversationRow,
  shown: number,
): Conversation {
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

/**
 * Those who are in it already stay as they are.
 * @param lastSaid the last message so far: for who comes now it is history, and counts as read
 */
export async function addMembers(
  tx: Queryable,
  id: string,
  people: string[],
  lastSaid: string | null = null,
): Promise<void> {
  await tx.query(
    `insert into members (conversation_id, user_id, last_read_id, joined_after)
     select $1, person, $3, $3 from unnest($2::uuid[]) as person
     on conflict do nothing`,
    [id, people, lastSaid],
  )
}
