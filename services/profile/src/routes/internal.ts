import { readJson } from '@clew/kit/body'
import { parse } from '@clew/kit/validate'
import type { Hono } from 'hono'
import type { Deps } from '../app.ts'
import { askedIds, followerIdsQuery } from '../schemas.ts'
import { replyJson, replyText } from './reply.ts'
import { type Env, readPerson } from './request.ts'

/** For other services: who follows whom and who exists, many at once. The gateway does not lead here. */
export function addInternalRoutes(app: Hono<Env>, { store }: Deps): void {
  app.get('/internal/users/:id/followers', async (c) => {
    const { limit, after } = parse(followerIdsQuery, c.req.query())
    return replyText(await store.followerIds(readPerson(c), limit, after))
  })

  app.get('/internal/users/:id/following', async (c) =>
    replyText(await store.followingIds(readPerson(c))),
  )

  app.post('/internal/users/known', async (c) => {
    const { ids } = await readJson(c.env.incoming, askedIds)
    return replyJson({ ids: await store.findKnown(ids) })
  })
}
