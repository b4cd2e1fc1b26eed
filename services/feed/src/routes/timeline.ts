import { Problem } from '@clew/kit/problem'
import type Router from '@koa/router'
import type { Deps } from '../app.ts'
import { pageSize, type TimelineQuery, timelineQuery } from '../schemas.ts'
import { replyPage } from './reply.ts'
import { type Asking, readPersonId, readQuery } from './request.ts'

const usual: TimelineQuery = { limit: pageSize, order: 'newest' }

export function addTimelineRoute(router: Router, asking: Asking, deps: Deps): void {
  const { timeline, ranking } = deps

  router.get('/api/timeline/:user_id', async (ctx) => {
    const { userId } = await asking.require(ctx)
    const id = readPersonId(ctx)
    if (id !== userId) throw new Problem(403, 'Only the person themselves may read a timeline.')
    const query = readQuery(ctx, timelineQuery, usual)
    const read = query.order === 'ranked' ? ranking.read : timeline.newest
    replyPage(ctx, await read(id, query))
  })
}
