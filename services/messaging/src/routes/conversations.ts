import { readJson } from '@clew/kit/body'
import { readCursor, writeCursor } from '@clew/kit/cursor'
import { parse } from '@clew/kit/validate'
import type { Router } from 'express'
import type { Deps } from '../app.ts'
import { conversationsQuery, newConversation, newMembers } from '../schemas.ts'
import { noConversation } from '../store/conversation.ts'
import { noMember } from '../store/groups.ts'
import { type Asking, readId } from './request.ts'

export function conversationRoutes(router: Router, asking: Asking, deps: Deps): void {
  const { conversations, groups, store } = deps

  router.get('/api/messages/conversations', async (request, response) => {
    const { userId } = await asking(request)
    const { limit, cursor } = parse(conversationsQuery, request.query)
    const list = `conversations:${userId}`
    const below = cursor === undefined ? undefined : readCursor(list, cursor)
    const page = await store.list(userId, limit, below)
    response.json({
      conversations: page.conversations,
      count: page.conversations.length,
      next_cursor: page.next ? writeCursor(list, page.next) : null,
    })
  })

  router.post('/api/messages/conversations', async (request, response) => {
    const { userId } = await asking(request)
    const input = await readJson(request, newConversation)
    response.status(201).json(await conversations.makeGroup(userId, input))
  })

  router.get('/api/messages/conversations/:id', async (request, response) => {
    const { userId } = await asking(request)
    const id = readId(request.params.id, noConversation)
    response.json(await store.get(userId, id))
  })

  router.post('/api/messages/conversations/:id/members', async (request, response) => {
    const { userId } = await asking(request)
    const id = readId(request.params.id, noConversation)
    const { user_ids } = await readJson(request, newMembers)
    response.json(await conversations.bring(userId, id, user_ids))
  })

  router.delete('/api/messages/conversations/:id/members/:user_id', async (request, response) => {
    const { userId } = await asking(request)
    const id = readId(request.params.id, noConversation)
    await groups.remove(userId, id, readId(request.params.user_id, noMember))
    response.status(204).end()
  })
}
