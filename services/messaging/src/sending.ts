import type { Identity } from '@clew/kit/identity'
import { Problem } from '@clew/kit/problem'
import type { Directs } from './directs.ts'
import type { Events } from './events.ts'
import type { Limits } from './limits.ts'
import type { Live } from './live.ts'
import type { People } from './people.ts'
import type { NewMessage } from './schemas.ts'
import type { Message } from './store/message.ts'
import type { Messages, Target } from './store/messages.ts'

type Deps = {
  messages: Pick<Messages, 'add'>
  directs: Directs
  people: People
  live: Pick<Live, 'deliver'>
  limits: Pick<Limits, 'take'>
  events: Events
}
export type Sending = ReturnType<typeof createSending>

const youngMs = 60_000

/** What it means to send a message, over HTTP and over a socket alike. */
export function createSending({ messages, directs, people, live, limits, events }: Deps) {
  /**
   * Stores a message and delivers it to whoever is there; when this returns, both are done.
   * One that comes again is not stored again, but delivered again within a minute: the first try may
   * have died between the two. `repeated` tells.
   * @param except the socket it came from, which needs no copy
   * @throws Problem 404 for nobody and for a conversation of others; 422 to oneself; 429 when too many
   */
  async function send(
    { userId }: Pick<Identity, 'userId'>,
    { to, conversation_id, body, client_id }: NewMessage,
    except?: string,
  ): Promise<{ message: Message; repeated: boolean }> {
    await limits.take(userId)
    const target = conversation_id ? { conversationId: conversation_id } : await aim(userId, to)
    const draft = { body, clientId: client_id }
    const { message, memberIds, repeated } = await messages.add(userId, target, draft)
    if ('personId' in target) directs.remember(userId, target.personId, message.conversation_id)
    if (repeated) events.sentAgain(message)
    else events.sent(message)
    if (!repeated || isYoung(message)) {
      await live.deliver({
        name: 'message:new',
        to: memberIds,
        payload: message,
        messageId: message.id,
        ...(except !== undefined && { except }),
      })
    }
    return { message, repeated }
  }

  async function aim(me: string, to = ''): Promise<Target> {
    if (to === me) {
      const errors = [{ field: 'to', message: 'must be somebody else' }]
      throw new Problem(422, 'Not acceptable: to.', { errors })
    }
    const conversationId = await directs.find(me, to)
    if (conversationId) return { conversationId }
    const unknown = await people.findUnknown([to])
    if (unknown.length > 0) throw new Problem(404, 'There is no such person.')
    return { personId: to }
  }

  return { send }
}

/** What is older has come by its fact; nobody is to hear it as news because it is sent again. */
function isYoung({ created_at }: Message): boolean {
  return Date.now() - created_at.getTime() < youngMs
}
