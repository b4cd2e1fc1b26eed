import { answers, body, operations, refusals } from '@clew/kit/openapi'
import { z } from 'zod'
import { createDocument } from 'zod-openapi'
import * as shapes from './schemas.ts'

const postId = { path: z.object({ id: z.uuid() }) }
const personId = { path: z.object({ user_id: z.uuid() }) }
const bearer = [{ bearer: [] }]
const open = [{}, { bearer: [] }]
const badBody = [400, 401, 413, 415, 422, 503]

/** The document at `/openapi.json`, made of the schemas that requests are checked with. */
export function createOpenapi() {
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Clew feed', version: '0.1.0', description: 'Posts, and who reads them when.' },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/api/posts': {
        post: {
          summary: 'Write a post',
          security: bearer,
          requestBody: body(shapes.newPost),
          responses: answers(201, shapes.post, badBody),
        },
      },
      '/api/posts/{id}': {
        get: {
          summary: 'A post',
          security: open,
          requestParams: postId,
          responses: answers(200, shapes.post, [401, 404, 503]),
        },
        patch: {
          summary: 'Change your own post',
          security: bearer,
          requestParams: postId,
          requestBody: body(shapes.postChange),
          responses: answers(200, shapes.post, [...badBody, 403, 404]),
        },
        delete: {
          summary: 'Delete your own post, or as an admin anybody’s',
          security: bearer,
          requestParams: postId,
          responses: { 204: { description: 'Done' }, ...refusals([401, 403, 404, 503]) },
        },
      },
      '/api/timeline/{user_id}': {
        get: {
          summary: 'What those you follow say, and you',
          security: bearer,
          requestParams: { ...personId, query: shapes.timelineQuery },
          responses: answers(200, shapes.page, [400, 401, 403, 404, 422, 503]),
        },
      },
      '/api/posts/user/{user_id}': {
        get: {
          summary: 'What one person says, newest first',
          security: open,
          requestParams: { ...personId, query: shapes.pageQuery },
          responses: answers(200, shapes.page, [400, 401, 404, 422, 503]),
        },
      },
      '/api/posts/{id}/like': {
        post: {
          summary: 'Like a post; once, however often it is asked',
          security: bearer,
          requestParams: postId,
          responses: answers(200, shapes.likeAnswer, [401, 404, 503]),
        },
        delete: {
          summary: 'Like it no longer',
          security: bearer,
          requestParams: postId,
          responses: answers(200, shapes.likeAnswer, [401, 404, 503]),
        },
      },
      '/api/posts/{id}/comments': {
        post: {
          summary: 'Comment on a post',
          security: bearer,
          requestParams: postId,
          requestBody: body(shapes.newComment),
          responses: answers(201, shapes.comment, [...badBody, 404]),
        },
        get: {
          summary: 'The comments on a post, newest first',
          security: open,
          requestParams: { ...postId, query: shapes.pageQuery },
          responses: answers(200, shapes.commentPage, [400, 401, 404, 422, 503]),
        },
      },
      '/api/posts/{id}/share': {
        post: {
          summary: 'Share a post with those who follow you; a share shares its original',
          security: bearer,
          requestParams: postId,
          requestBody: body(shapes.newShare),
          responses: answers(201, shapes.post, [...badBody, 404, 409]),
        },
      },
      ...operations,
    },
  })
}
