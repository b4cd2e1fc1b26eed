import { Problem } from '@clew/kit/problem'
import type { Events } from './events.ts'
import type { Live } from './live.ts'
import type { People } from './people.ts'
import type { NewConversation } from './schemas.ts'
import type { Conversation } from './store/conversation.ts'
import type { ConversationStore } from './store/conversations.ts'
import type { Groups } from './store/groups.ts'

type Deps = {
  store: Pick<ConversationStore, 'markRead'>
  groups: Groups
  people: People
  live: Pick<Live, 'deliver'>
  events: Events
}
export type Conversations = ReturnType<typeof createConversations>

/** What it means to make a group, to bring people into one, and to read. */
export function createConversations({ store, groups, people, live, events }: Deps) {
  /** @throws Problem 422 naming whom nobody knows */
  async function makeGroup(me: string, { members, title }: NewConversation): Promise<Conversation> {
    refuse('members', members, [me], 'must be somebody else')
    await requireKnown('members', members)
    const conversation = await groups.add(me, members, title ?? null)
    events.groupMade(conversation.id, me)
    return conversation
  }

  /** @throws Problem 422 naming whom nobody knows, 404, 409 */
  async function bring(me: string, id: string, userIds: string[]): Promise<Conversation> {
    await requireKnown('user_ids', userIds)
    return groups.bring(me, id, userIds)
  }

  /**
   * Everybody in the conversation learns how far `me` has read, if that is news.
   * @param except the socket it came from
   * @returns how many messages are unread after this
   * @throws Problem 404
   */
  async function markRead(
    me: string,
    id: string,
    messageId: string,
    except?: string,
  ): Promise<number> {
    const { unreadCount, moved, memberIds } = await store.markRead(me, id, messageId)
    if (moved) {
      await live.deliver({
        name: 'read',
        to: memberIds,
        payload: { conversation_id: id, user_id: me, message_id: messageId },
        ...(except !== undefined && { except }),
      })
    }
    return unreadCount
  }

  async function requireKnown(field: string, ids: string[]): Promise<void> {
    refuse(field, ids, await people.findUnknown(ids), 'is nobody')
  }

  return { makeGroup, bring, markRead }
}

/** Names each of `ids` that is among the `wrong` ones by its place. */
function refuse(field: string, ids: string[], wrong: string[], message: string): void {
  const found = new Set(wrong)
  const errors = ids.flatMap((id, at) =>
    found.has(id) ? [{ field: `${field}.${at}`, message }] : [],
  )
  if (errors.length > 0) throw new Problem(422, `Not acceptable: ${field}.`, { errors })
}
