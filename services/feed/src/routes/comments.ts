import { readJson } from '@clew/kit/body'
import { readCursor, writeCursor } from '@clew/kit/cursor'
import type Router from '@koa/router'
import type { Deps } from '../app.ts'
import { newComment, pageQuery, pageSize } from '../schemas.ts'
import { replyJson } from './reply.ts'
import { type Asking, readPostId, readQuery } from './request.ts'

const usual = { limit: pageSize, cursor: undefined }

export function addCommentRoutes(router: Router, asking: Asking, deps: Deps): void {
  const { comments, postsCache, ensureAuthor, events } = deps

  router.post('/api/posts/:id/comments', async (ctx) => {
    const { userId } = await asking.require(ctx)
    const id = readPostId(ctx)
    const { content } = await readJson(ctx.req, newComment)
    await ensureAuthor(userId)
    const { comment, post } = await comments.add(userId, id, content)
    await postsCache.setCounts(id, post.like_count, post.comment_count, post.version)
    events.commented(id, comment)
    replyJson(ctx, comment, 201)
  })

  router.get('/api/posts/:id/comments', async (ctx) => {
    await asking.allow(ctx)
    const id = readPostId(ctx)
    const { limit, cursor } = readQuery(ctx, pageQuery, usual)
    const list = `comments:${id}`
    const below = cursor === undefined ? undefined : readCursor(list, cursor)
    const page = await comments.list(id, limit, below)
    replyJson(ctx, {
      comments: page.comments,
      count: page.comments.length,
      next_cursor: page.next ? writeCursor(list, page.next) : null,
    })
  })
}
