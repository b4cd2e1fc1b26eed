import { readJson } from '@clew/kit/body'
import type { Hono } from 'hono'
import { showMedia } from '../media.ts'
import { newUses } from '../schemas.ts'
import type { Uses } from '../uses.ts'
import { replyJson } from './reply.ts'
import type { Env } from './request.ts'

/** For feed, before it stores a post. The gateway does not lead here. */
export function addInternalRoutes(app: Hono<Env>, uses: Uses): void {
  app.post('/internal/media/uses', async (c) => {
    const media = await uses.request(await readJson(c.env.incoming, newUses))
    return replyJson({ media: media.map(showMedia) })
  })
}
