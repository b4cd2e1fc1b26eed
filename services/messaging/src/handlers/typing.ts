import { LRUCache } from 'lru-cache'
import type { Directs } from '../directs.ts'
import type { Limits } from '../limits.ts'
import type { Live } from '../live.ts'
import { typingEvent } from '../schemas.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { Handler } from './handler.ts'

type Deps = {
  store: Pick<ConversationStore, 'findMembers'>
  directs: Directs
  live: Live
  limits: Pick<Limits, 'takeTyping'>
}

// So a keystroke costs no look-up. For so long somebody may still see who types in a group they left.
const knownMs = 5_000
const mostKnown = 200_000

/** `typing`: the others in the conversation hear of it, if they are there. */
export function createTyping({ store, directs, live, limits }: Deps): Handler<typeof typingEvent> {
  const known = new LRUCache<string, string[]>({
    maxSize: mostKnown,
    sizeCalculation: (members) => members.length,
    ttl: knownMs,
  })

  async function findOthers(me: string, id: string): Promise<string[]> {
    let members = known.get(id)
    if (!members?.includes(me)) {
      members = await store.findMembers(me, id)
      known.set(id, members)
    }
    return members.filter((member) => member !== me)
  }

  return {
    schema: typingEvent,
    async handle(socket, { conversation_id, to, typing }) {
      const me = socket.data.userId
      await limits.takeTyping(me)
      const id = conversation_id ?? (to && (await directs.find(me, to)))
      // To somebody whom nobody here has written to yet, there is nothing to be shown.
      if (!id) return {}
      await live.deliver({
        name: 'typing',
        to: to ? [to] : await findOthers(me, id),
        payload: { conversation_id: id, user_id: me, typing },
      })
      return {}
    },
  }
}
