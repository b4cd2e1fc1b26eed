import type { IncomingMessage } from 'node:http'
import { readJson } from '@clew/kit/body'
import type Router from '@koa/router'
import type { Deps } from '../app.ts'
import { newShare } from '../schemas.ts'
import { announce, present } from '../written.ts'
import { replyText } from './reply.ts'
import { type Asking, readPostId } from './request.ts'

export function addShareRoutes(router: Router, asking: Asking, deps: Deps): void {
  const { posts, postsCache, ensureAuthor, events } = deps

  router.post('/api/posts/:id/share', async (ctx) => {
    const { userId } = await asking.require(ctx)
    const id = readPostId(ctx)
    const { content } = hasBody(ctx.req) ? await readJson(ctx.req, newShare) : { content: '' }
    await ensureAuthor(userId)
    const post = await posts.share(userId, id, content)
    await announce(deps, post)
    events.shared(post)
    replyText(ctx, await present(postsCache, post, false), 201)
  })
}

/** To share without words, a body may be left out. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
