import type Router from '@koa/router'
import type { Deps } from '../app.ts'
import { replyJson } from './reply.ts'
import { type Asking, type Context, readPostId } from './request.ts'

const messages = { like: 'You like this post.', unlike: 'You do not like this post.' }

export function addLikeRoutes(router: Router, asking: Asking, deps: Deps): void {
  const { likes, postsCache, events } = deps

  router.post('/api/posts/:id/like', (ctx) => change(ctx, 'like'))
  router.delete('/api/posts/:id/like', (ctx) => change(ctx, 'unlike'))

  async function change(ctx: Context, kind: 'like' | 'unlike'): Promise<void> {
    const { userId } = await asking.require(ctx)
    const id = readPostId(ctx)
    const { post, changed } = await likes[kind](userId, id)
    const { like_count, comment_count, version } = post
    const liked = { viewer: userId, on: kind === 'like' }
    // Also when nothing changed: whoever did change it may have ended before telling the cache.
    await postsCache.setCounts(id, like_count, comment_count, version, liked)
    if (changed) events.liked(kind, id, userId)
    replyJson(ctx, { message: messages[kind], like_count })
  }
}
