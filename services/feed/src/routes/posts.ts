import type Router from '@koa/router'
import type { Deps } from '../app.ts'
import { type PageQuery, pageQuery, pageSize } from '../schemas.ts'
import { noPost } from '../store/posts.ts'
import { replyPage } from './reply.ts'
import { type Asking, readPersonId, readPostId, readQuery } from './request.ts'

const usual: PageQuery = { limit: pageSize }

export function addPostRoutes(router: Router, asking: Asking, deps: Deps): void {
  const { timeline, pages } = deps

  router.get('/api/posts/:id', async (ctx) => {
    const viewer = await asking.allow(ctx)
    const id = readPostId(ctx)
    const post = await pages.readPost(id, viewer?.userId)
    if (!post) throw noPost()
    replyPage(ctx, post)
  })

  // Somebody who wrote nothing is not known here, and has an empty page.
  router.get('/api/posts/user/:user_id', async (ctx) => {
    const viewer = await asking.allow(ctx)
    const id = readPersonId(ctx)
    const query = readQuery(ctx, pageQuery, usual)
    replyPage(ctx, await timeline.byAuthor(id, viewer?.userId, query))
  })
}
