import type { RequestListener } from 'node:http'
import type { Health } from '@clew/kit/health'
import type { IdentityReader } from '@clew/kit/identity'
import type { Logger } from '@clew/kit/log'
import { Problem, problemBody, toProblem } from '@clew/kit/problem'
import { recordException } from '@clew/telemetry/error'
import { expressRoute } from '@clew/telemetry/express'
import { traceRequests } from '@clew/telemetry/http-server'
import type { Metrics } from '@clew/telemetry/statsd'
import express, { type ErrorRequestHandler, Router } from 'express'
import type { Conversations } from './conversations.ts'
import type { Events } from './events.ts'
import { conversationRoutes } from './routes/conversations.ts'
import { messageRoutes } from './routes/messages.ts'
import { createAsking } from './routes/request.ts'
import { serviceRoutes } from './routes/service.ts'
import type { Sending } from './sending.ts'
import type { ConversationStore } from './store/conversations.ts'
import type { Groups } from './store/groups.ts'
import type { Messages } from './store/messages.ts'

export type Deps = {
  store: ConversationStore
  groups: Groups
  messages: Messages
  conversations: Conversations
  sending: Sending
  events: Events
  identity: IdentityReader
  health: Health
  metrics: Metrics
  log: Logger
}

/** The service as a listener for Node's HTTP server; sockets are attached beside it. */
export function createApp(deps: Deps): RequestListener {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(expressRoute())
  app.use(createRouter(deps))
  app.use(() => {
    throw new Problem(404, 'There is nothing here.')
  })
  app.use(errorEdge(deps))
  return traceRequests(app, ({ method, route = 'none', status, ms }) =>
    deps.metrics.timing('request.duration', ms, { method, route, status: String(status) }),
  )
}

export function createRouter(deps: Deps): Router {
  const router = Router({ caseSensitive: true, strict: true })
  const asking = createAsking(deps.identity)
  conversationRoutes(router, asking, deps)
  messageRoutes(router, asking, deps)
  serviceRoutes(router, deps.health)
  return router
}

/** The one place where something thrown becomes an answer. Express knows it by its four arguments. */
function errorEdge({ events, log }: Deps): ErrorRequestHandler {
  return (thrown, _request, response, _next) => {
    const problem = toProblem(thrown)
    if (problem.status >= 500) {
      const cause = problem.cause ?? problem
      recordException(cause)
      log.error({ err: cause, status: problem.status }, 'request failed')
    } else if (typeof problem.cause === 'string') events.tokenRefused(problem.cause)
    if (response.headersSent) return void response.destroy()
    response.status(problem.status).set(problem.headers)
    response.type('application/problem+json').send(JSON.stringify(problemBody(problem)))
  }
}
