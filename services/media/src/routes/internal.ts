import { readJson } from '@clew/kit/body'
import { Problem } from '@clew/kit/problem'
import type { Hono } from 'hono'
import { showMedia } from '../media.ts'
import { newUses, oneUse } from '../schemas.ts'
import type { Uses } from '../uses.ts'
import { replyJson } from './reply.ts'
import type { Env } from './request.ts'

/** For feed, before it stores a post. The gateway does not lead here. */
export function addInternalRoutes(app: Hono<Env>, uses: Uses): void {
  app.post('/internal/media/uses', async (c) => {
    const media = await uses.request(await readJson(c.env.incoming, newUses))
    return replyJson({ media: media.map(showMedia) })
  })

  // The post that asked was not stored after all, and never will be.
  app.delete('/internal/media/uses/:post_id', async (c) => {
    const { data } = oneUse.safeParse(c.req.param())
    if (!data) throw new Problem(404, 'There is no such post.')
    await uses.withdraw(data.post_id)
    return new Response(null, { status: 204 })
  })
}
