import { readJson } from '@clew/kit/body'
import type Router from '@koa/router'
import { v7 as uuid } from 'uuid'
import type { Deps } from '../app.ts'
import { newPost, postChange } from '../schemas.ts'
import { announce, present } from '../written.ts'
import { replyText } from './reply.ts'
import { type Asking, readPostId } from './request.ts'

export function addComposeRoutes(router: Router, asking: Asking, deps: Deps): void {
  const { posts, postsCache, ensureAuthor, media, events } = deps

  router.post('/api/posts', async (ctx) => {
    const { userId } = await asking.require(ctx)
    const { content, media_ids } = await readJson(ctx.req, newPost)
    await ensureAuthor(userId)
    const id = uuid()
    const used = await media.use({ post_id: id, user_id: userId, media_ids })
    const draft = { id, content, media: used }
    const notStored = async () => void (used.length > 0 && (await media.release(id)))
    const post = await posts.add(userId, draft, notStored)
    await announce(deps, post)
    events.created(post)
    replyText(ctx, await present(postsCache, post, false), 201)
  })

  router.patch('/api/posts/:id', async (ctx) => {
    const { userId } = await asking.require(ctx)
    const id = readPostId(ctx)
    const { content } = await readJson(ctx.req, postChange)
    const post = await posts.edit(userId, id, content)
    await postsCache.hold([id])
    events.updated(post)
    replyText(ctx, await present(postsCache, post, post.liked))
  })

  router.delete('/api/posts/:id', async (ctx) => {
    const { userId, roles } = await asking.require(ctx)
    const id = readPostId(ctx)
    const post = await posts.remove({ userId, admin: roles.includes('admin') }, id)
    await postsCache.bury([id])
    events.deleted(post, userId)
    ctx.status = 204
  })
}
