import { tooMany } from '../limits.ts'
import { sendEvent } from '../schemas.ts'
import type { Sending } from '../sending.ts'
import type { Handler } from './handler.ts'

const mostQueued = 64

/** `message:send`: acknowledged once it is stored and, if Redis is there, published. */
export function createSend({ send }: Sending): Handler<typeof sendEvent> {
  return {
    schema: sendEvent,
    /** One after the other for each socket: what somebody writes stays in the order they wrote it. */
    async handle(socket, { _trace, ...input }) {
      const { data } = socket
      if (data.queued >= mostQueued) throw tooMany(`more than ${mostQueued} messages under way`)
      data.queued++
      const sent = (data.queue ?? Promise.resolve()).then(() => send(data, input, socket.id))
      const done = () => {
        if (--data.queued === 0) data.queue = undefined
      }
      data.queue = sent.then(done, done)
      const { id, conversation_id, created_at } = (await sent).message
      return { id, conversation_id, created_at }
    },
  }
}
