import { answer, answers, body, operations, refusals } from '@clew/kit/openapi'
import { z } from 'zod'
import { createDocument } from 'zod-openapi'
import * as shapes from './schemas.ts'

const conversation = { path: z.object({ id: z.uuid() }) }
const history = { path: z.object({ conversation_id: z.uuid() }) }
const security = [{ bearer: [] }]
const badBody = [400, 401, 413, 415, 422, 503]

/** The document at `/openapi.json`, made of the schemas that requests are checked with. */
export function createOpenapi() {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Clew messaging',
      version: '0.1.0',
      description: 'Conversations. What happens live comes over Socket.IO at `/socket.io/`.',
    },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/api/messages': {
        post: {
          summary: 'Send a message, once for each client_id',
          security,
          requestBody: body(shapes.newMessage),
          responses: {
            200: answer('It was stored before', shapes.message),
            ...answers(201, shapes.message, [...badBody, 404, 409, 429]),
          },
        },
      },
      '/api/messages/conversations': {
        get: {
          summary: 'Your conversations, most recently active first',
          security,
          requestParams: { query: shapes.conversationsQuery },
          responses: answers(200, shapes.conversationPage, [400, 401, 422, 503]),
        },
        post: {
          summary: 'Make a group; you are in it',
          security,
          requestBody: body(shapes.newConversation),
          responses: answers(201, shapes.conversation, badBody),
        },
      },
      '/api/messages/conversations/{id}': {
        get: {
          summary: 'A conversation of yours, with all its members',
          security,
          requestParams: conversation,
          responses: answers(200, shapes.conversation, [401, 404, 503]),
        },
      },
      '/api/messages/conversations/{id}/members': {
        post: {
          summary: 'Bring people into a group',
          security,
          requestParams: conversation,
          requestBody: body(shapes.newMembers),
          responses: answers(200, shapes.conversation, [...badBody, 404, 409]),
        },
      },
      '/api/messages/conversations/{id}/members/{user_id}': {
        delete: {
          summary: 'Leave a group, or as its maker take somebody out of it',
          security,
          requestParams: { path: z.object({ id: z.uuid(), user_id: z.uuid() }) },
          responses: { 204: { description: 'Done' }, ...refusals([401, 403, 404, 409, 503]) },
        },
      },
      '/api/messages/{conversation_id}': {
        get: {
          summary: 'What was said in a conversation, newest first',
          security,
          requestParams: { ...history, query: shapes.messagesQuery },
          responses: answers(200, shapes.messagePage, [400, 401, 404, 422, 503]),
        },
      },
      '/api/messages/{conversation_id}/read': {
        post: {
          summary: 'Say how far you have read; it never goes back',
          security,
          requestParams: history,
          requestBody: body(shapes.readMark),
          responses: answers(200, shapes.unread, [...badBody, 404]),
        },
      },
      ...operations,
    },
  })
}
