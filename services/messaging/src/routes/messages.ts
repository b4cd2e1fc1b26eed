import { readJson } from '@clew/kit/body'
import { readCursor, writeCursor } from '@clew/kit/cursor'
import { parse } from '@clew/kit/validate'
import type { Router } from 'express'
import type { Deps } from '../app.ts'
import { messagesQuery, newMessage, readMark } from '../schemas.ts'
import { noConversation } from '../store/conversation.ts'
import { type Asking, readId } from './request.ts'

export function messageRoutes(router: Router, asking: Asking, deps: Deps): void {
  const { conversations, messages, sending } = deps

  router.post('/api/messages', async (request, response) => {
    const identity = await asking(request)
    const input = await readJson(request, newMessage)
    const { message, repeated } = await sending.send(identity, input)
    response.status(repeated ? 200 : 201).json(message)
  })

  router.get('/api/messages/:conversation_id', async (request, response) => {
    const { userId } = await asking(request)
    const id = readId(request.params.conversation_id, noConversation)
    const { limit, cursor } = parse(messagesQuery, request.query)
    const list = `messages:${id}`
    const below = cursor === undefined ? undefined : readCursor(list, cursor)
    const page = await messages.list(userId, id, limit, below)
    response.json({
      messages: page.messages,
      count: page.messages.length,
      next_cursor: page.next ? writeCursor(list, page.next) : null,
    })
  })

  router.post('/api/messages/:conversation_id/read', async (request, response) => {
    const { userId } = await asking(request)
    const id = readId(request.params.conversation_id, noConversation)
    const { message_id } = await readJson(request, readMark)
    response.json({ unread_count: await conversations.markRead(userId, id, message_id) })
  })
}
