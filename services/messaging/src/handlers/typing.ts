import type { Directs } from '../directs.ts'
import type { Live } from '../live.ts'
import { typingEvent } from '../schemas.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { Handler } from './handler.ts'

type Deps = { store: Pick<ConversationStore, 'findMembers'>; directs: Directs; live: Live }

/** `typing`: the others in the conversation hear of it, if they are there. */
export function createTyping({ store, directs, live }: Deps): Handler<typeof typingEvent> {
  return {
    schema: typingEvent,
    async handle(socket, { conversation_id, to = '', typing }) {
      const me = socket.data.userId
      const id = conversation_id ?? (await directs.find(me, to))
      // To somebody whom nobody here has written to yet, there is nothing to be shown.
      if (!id) return {}
      const members = await store.findMembers(me, id)
      await live.deliver({
        name: 'typing',
        to: members.filter((member) => member !== me),
        payload: { conversation_id: id, user_id: me, typing },
      })
      return {}
    },
  }
}
