import { bytesUnsent } from '../closing.ts'
import type { Delivered } from '../delivered.ts'
import type { Events } from '../events.ts'
import { tooMany } from '../limits.ts'
import type { Net } from '../net.ts'
import { syncEvent } from '../schemas.ts'
import type { Messages } from '../store/messages.ts'
import type { Handler } from './handler.ts'

type Deps = {
  messages: Pick<Messages, 'missed'>
  delivered: Delivered
  net: Pick<Net, 'clearUntil'>
  events: Pick<Events, 'delivered'>
}

// With one more answer this is still far from what counts as not reading.
const mostUnread = 256 * 1024

/** `sync`: what somebody missed since the last message they know, without what came by itself. */
export function createSync({ messages, delivered, net, events }: Deps): Handler<typeof syncEvent> {
  return {
    schema: syncEvent,
    answers: true,
    async handle(socket, { since, seen, after }) {
      const { data } = socket
      const isNews = ({ id }: { id: string }) => !delivered.since(id, data.turn)
      // An answer can be large, so nobody gets two at a time.
      if (data.syncing) throw tooMany('one sync is under way')
      if (bytesUnsent(socket) > mostUnread) throw tooMany('what was sent before is not read yet')
      data.syncing = true
      try {
        let missed = await messages.missed(data.userId, since, seen, after)
        let news = missed.messages.filter(isNews)
        // A portion of which all came by itself would leave the client nothing to go on after.
        while (news.length === 0 && missed.more) {
          const last = missed.messages.at(-1)?.id
          missed = await messages.missed(data.userId, since, seen, last)
          news = missed.messages.filter(isNews)
        }
        // What no instance has told this one yet will still be told: then it is not to come again.
        const floor = net.clearUntil()
        for (const { id } of news) {
          if (delivered.has(id) || timeOf(id) <= floor) continue
          data.synced ??= new Set()
          data.synced.add(id)
        }
        events.delivered('sync', news.length)
        return { messages: news, more: missed.more }
      } finally {
        data.syncing = false
      }
    },
  }
}

/** When a UUID of version 7 was made, in epoch ms. */
function timeOf(id: string): number {
  return Number.parseInt(id.replace('-', '').slice(0, 12), 16)
}
