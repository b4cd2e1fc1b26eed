import { answers, body, operations } from '@clew/kit/openapi'
import { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject } from 'zod-openapi'
import * as shapes from './schemas.ts'

const person = { path: z.object({ id: z.uuid() }) }
const bearer = [{ bearer: [] }]
const open = [{}, { bearer: [] }]

/** The document at `/openapi.json`, made of the schemas that requests are checked with. */
export function createOpenapi() {
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Clew profile', version: '0.1.0', description: 'People and who follows whom.' },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/api/users/search': {
        get: {
          summary: 'People with a name like `q`, typing errors or not',
          security: open,
          requestParams: { query: shapes.searchQuery },
          responses: answers(200, shapes.searchResults, [401, 422]),
        },
      },
      '/api/users/{id}': {
        get: {
          summary: 'A profile',
          security: open,
          requestParams: person,
          responses: answers(200, shapes.profile, [401, 404]),
        },
      },
      '/api/users/{id}/profile': {
        post: {
          summary: 'Change your own profile',
          security: bearer,
          requestParams: person,
          requestBody: body(shapes.profileChange),
          responses: answers(200, shapes.profile, [400, 401, 403, 404, 413, 415, 422]),
        },
      },
      '/api/users/{id}/follow': {
        post: {
          summary: 'Follow somebody',
          security: bearer,
          requestParams: person,
          responses: answers(201, shapes.follow, [400, 401, 404, 409]),
        },
        delete: {
          summary: 'Follow them no longer',
          security: bearer,
          requestParams: person,
          responses: answers(200, shapes.message, [401, 404]),
        },
      },
      '/api/users/{id}/followers': { get: list('Who follows this person, newest first') },
      '/api/users/{id}/following': { get: list('Whom this person follows, newest first') },
      '/internal/profiles': {
        post: {
          summary: 'Make the profile of somebody who registered; not reachable from outside',
          requestBody: body(shapes.newProfile),
          responses: {
            ...answers(201, shapes.profile, [400, 413, 415, 422]),
            ...answers(200, shapes.profile, []),
          },
        },
      },
      '/internal/users/{id}/followers': {
        get: {
          summary: 'Ids of those who follow this person, newest first; not reachable from outside',
          requestParams: { ...person, query: shapes.followerIdsQuery },
          responses: answers(200, shapes.followerIds, [400, 404, 422]),
        },
      },
      '/internal/users/{id}/following': {
        get: {
          summary: 'Ids of those whom this person follows; not reachable from outside',
          requestParams: person,
          responses: answers(200, shapes.followingIds, [404]),
        },
      },
      '/internal/users/known': {
        post: {
          summary: 'Which of these people have a profile; not reachable from outside',
          requestBody: body(shapes.askedIds),
          responses: answers(200, shapes.knownIds, [400, 413, 415, 422]),
        },
      },
      ...operations,
    },
  })
}

function list(summary: string): ZodOpenApiOperationObject {
  return {
    summary,
    security: open,
    requestParams: { ...person, query: shapes.pageQuery },
    responses: answers(200, shapes.profilePage, [400, 401, 404, 422]),
  }
}
