import { parse } from '@clew/kit/validate'
import type { Hono } from 'hono'
import type { Deps } from '../app.ts'
import { searchQuery } from '../schemas.ts'
import { replyJson } from './reply.ts'
import type { Asking, Env } from './request.ts'

export function addSearchRoute(app: Hono<Env>, asking: Asking, { store, events }: Deps): void {
  app.get('/api/users/search', async (c) => {
    await asking.allow(c)
    const { q, limit } = parse(searchQuery, c.req.query())
    const { results, total } = await store.search(q, limit)
    events.searched(results.length)
    return replyJson({ query: q, results, total, limit })
  })
}
