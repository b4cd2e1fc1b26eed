import type { RequestListener } from 'node:http'
import type { Health } from '@clew/kit/health'
import type { IdentityReader } from '@clew/kit/identity'
import type { Logger } from '@clew/kit/log'
import { Problem, toProblem } from '@clew/kit/problem'
import { recordException } from '@clew/telemetry/error'
import { traceRequests } from '@clew/telemetry/http-server'
import { koaRoute } from '@clew/telemetry/koa'
import type { Metrics } from '@clew/telemetry/statsd'
import Router from '@koa/router'
import Koa from 'koa'
import type { EnsureAuthor } from './authors.ts'
import type { Events } from './events.ts'
import type { Lists } from './lists.ts'
import type { MediaNeighbour } from './media-neighbour.ts'
import { createOpenapi } from './openapi.ts'
import type { PageReader } from './page.ts'
import type { PostsCache } from './posts-cache.ts'
import type { Ranking } from './ranking.ts'
import { addCommentRoutes } from './routes/comments.ts'
import { addComposeRoutes } from './routes/compose.ts'
import { addLikeRoutes } from './routes/likes.ts'
import { addPostRoutes } from './routes/posts.ts'
import { replyJson, replyProblem, replyText } from './routes/reply.ts'
import { createAsking } from './routes/request.ts'
import { addShareRoutes } from './routes/shares.ts'
import { addTimelineRoute } from './routes/timeline.ts'
import type { Comments } from './store/comments.ts'
import type { Likes } from './store/likes.ts'
import type { Posts } from './store/posts.ts'
import type { Timeline } from './timeline.ts'

export type Deps = {
  posts: Posts
  likes: Likes
  comments: Comments
  ensureAuthor: EnsureAuthor
  media: MediaNeighbour
  postsCache: PostsCache
  lists: Lists
  pages: PageReader
  timeline: Timeline
  ranking: Ranking
  events: Events
  identity: IdentityReader
  health: Health
  metrics: Metrics
  log: Logger
}

/** The service as a listener for Node's HTTP server. */
export function createApp(deps: Deps): RequestListener {
  const app = new Koa()
  app.use(errorEdge(deps))
  app.use(koaRoute())
  app.use(createRoutes(deps).routes())
  app.use(() => {
    throw new Problem(404, 'There is nothing here.')
  })
  return traceRequests(app.callback(), ({ method, route = 'none', status, ms }) =>
    deps.metrics.timing('request.duration', ms, { method, route, status: String(status) }),
  )
}

export function createRoutes(deps: Deps): Router {
  const router = new Router()
  const asking = createAsking(deps.identity)
  addTimelineRoute(router, asking, deps)
  addPostRoutes(router, asking, deps)
  addComposeRoutes(router, asking, deps)
  addLikeRoutes(router, asking, deps)
  addCommentRoutes(router, asking, deps)
  addShareRoutes(router, asking, deps)
  addOperations(router, deps.health)
  return router
}

function errorEdge({ events, log }: Deps): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const problem = toProblem(error)
      if (problem.status >= 500) {
        const cause = problem.cause ?? problem
        recordException(cause)
        log.error({ err: cause, status: problem.status }, 'request failed')
      } else if (typeof problem.cause === 'string') events.tokenRefused(problem.cause)
      replyProblem(ctx, problem)
    }
  }
}

function addOperations(router: Router, health: Health): void {
  const openapi = JSON.stringify(createOpenapi())
  router.get('/openapi.json', (ctx) => replyText(ctx, openapi))
  router.get('/livez', (ctx) => {
    const { status, body } = health.live()
    replyJson(ctx, body, status)
  })
  router.get('/readyz', async (ctx) => {
    const { status, body } = await health.ready()
    replyJson(ctx, body, status)
  })
}
