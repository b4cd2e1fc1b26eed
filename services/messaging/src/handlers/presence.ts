import { presenceEvent } from '../schemas.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { Watching } from '../watching.ts'
import type { Handler } from './handler.ts'

type Deps = { store: Pick<ConversationStore, 'findAcquainted'>; watching: Watching }

/** `presence`: who of these people is there, and news of them from then on. Strangers are left out. */
export function createPresenceHandler({ store, watching }: Deps): Handler<typeof presenceEvent> {
  return {
    schema: presenceEvent,
    async handle(socket, { user_ids }) {
      const acquainted = await store.findAcquainted(socket.data.userId, user_ids)
      return { people: await watching.watch(socket, acquainted) }
    },
  }
}
