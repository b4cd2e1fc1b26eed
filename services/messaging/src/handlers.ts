import type { Conversations } from './conversations.ts'
import type { Delivered } from './delivered.ts'
import type { Directs } from './directs.ts'
import type { Events } from './events.ts'
import type { Handler } from './handlers/handler.ts'
import { createPresenceHandler } from './handlers/presence.ts'
import { createRead } from './handlers/read.ts'
import { createSend } from './handlers/send.ts'
import { createSync } from './handlers/sync.ts'
import { createTyping } from './handlers/typing.ts'
import type { Limits } from './limits.ts'
import type { Live } from './live.ts'
import type { Net } from './net.ts'
import type { Sending } from './sending.ts'
import type { ConversationStore } from './store/conversations.ts'
import type { Messages } from './store/messages.ts'
import type { Watching } from './watching.ts'

type Deps = {
  sending: Sending
  conversations: Conversations
  store: ConversationStore
  directs: Directs
  messages: Messages
  live: Live
  limits: Limits
  net: Net
  delivered: Delivered
  events: Events
  watching: Watching
}

/** What a client may send over its socket, by the name of the event. */
export function createHandlers(deps: Deps): Record<string, Handler> {
  return {
    'message:send': createSend(deps.sending),
    typing: createTyping(deps),
    read: createRead(deps.conversations),
    presence: createPresenceHandler(deps),
    sync: createSync(deps),
  }
}
