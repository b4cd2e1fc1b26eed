import { answers, json, operations, refusals } from '@clew/kit/openapi'
import { z } from 'zod'
import { createDocument } from 'zod-openapi'
import * as shapes from './schemas.ts'

const one = { path: z.object({ id: z.uuid() }) }
const bearer = [{ bearer: [] }]
const open = [{}, { bearer: [] }]
const bytes = { content: { 'application/octet-stream': {} } }
const file = z.object({ file: z.string().meta({ format: 'binary' }) })

/** The document at `/openapi.json`, made of the schemas that requests are checked with. */
export function createOpenapi() {
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Clew media', version: '0.1.0', description: 'Pictures and videos.' },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/api/media': {
        post: {
          summary: 'Upload a picture or a video of up to 100 MB',
          description: 'The bytes as the body, or one file part. The type is found from the bytes.',
          security: bearer,
          requestBody: {
            content: { '*/*': {}, 'multipart/form-data': { schema: file } },
          },
          responses: {
            ...answers(201, shapes.media, [400, 401, 408, 413, 415, 422, 429, 503]),
            ...answers(200, shapes.media, []),
          },
        },
      },
      '/api/media/{id}': {
        get: {
          summary: 'What there is; until a post shows it, for its owner only',
          security: open,
          requestParams: one,
          responses: answers(200, shapes.media, [401, 404]),
        },
        delete: {
          summary: 'Delete your own',
          security: bearer,
          requestParams: one,
          responses: { 204: { description: 'Done' }, ...refusals([401, 403, 404, 409]) },
        },
      },
      '/media/{id}/{variant}': {
        get: {
          summary: 'The bytes: whole, or the range asked for',
          security: open,
          requestParams: {
            path: z.object({
              id: z.uuid(),
              variant: z.enum(['original', 'thumb', 'card', 'video']),
            }),
          },
          responses: {
            200: { description: 'All bytes', ...bytes },
            206: { description: 'The range asked for', ...bytes },
            304: { description: 'Unchanged' },
            ...refusals([404, 416, 503]),
          },
        },
      },
      '/internal/media/uses': {
        post: {
          summary: 'A post is to show these; not reachable from outside',
          requestBody: json(shapes.newUses),
          responses: answers(200, shapes.uses, [400, 413, 415, 422]),
        },
      },
      '/internal/media/uses/{post_id}': {
        delete: {
          summary: 'A post that asked was not stored; not reachable from outside',
          requestParams: { path: shapes.oneUse },
          responses: { 204: { description: 'Done' }, ...refusals([404, 503]) },
        },
      },
      ...operations,
    },
  })
}
