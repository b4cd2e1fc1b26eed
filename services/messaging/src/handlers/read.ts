import type { Conversations } from '../conversations.ts'
import { readEvent } from '../schemas.ts'
import type { Handler } from './handler.ts'

/** `read`: everybody in the conversation hears how far somebody has read, on their other devices too. */
export function createRead({ markRead }: Conversations): Handler<typeof readEvent> {
  return {
    schema: readEvent,
    async handle(socket, { conversation_id, message_id }) {
      const { userId } = socket.data
      return { unread_count: await markRead(userId, conversation_id, message_id, socket.id) }
    },
  }
}
