import type { RequestListener } from 'node:http'
import type { Health } from '@clew/kit/health'
import type { IdentityReader } from '@clew/kit/identity'
import type { Logger } from '@clew/kit/log'
import { Problem, toProblem } from '@clew/kit/problem'
import { recordException } from '@clew/telemetry/error'
import { honoRoute } from '@clew/telemetry/hono'
import { traceRequests } from '@clew/telemetry/http-server'
import type { Metrics } from '@clew/telemetry/statsd'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { lingerAfterAnswer } from './body.ts'
import type { Events } from './events.ts'
import { createOpenapi } from './openapi.ts'
import type { Removal } from './removal.ts'
import { addBytesRoute } from './routes/bytes.ts'
import { addInternalRoutes } from './routes/internal.ts'
import { addMediaRoutes } from './routes/media.ts'
import { replyJson, replyProblem } from './routes/reply.ts'
import { createAsking, type Env } from './routes/request.ts'
import { addUploadRoute } from './routes/uploads.ts'
import type { Storage } from './storage.ts'
import type { Store } from './store.ts'
import type { Upload } from './upload.ts'
import type { Uses } from './uses.ts'

export type Deps = {
  store: Store
  storage: Storage
  removal: Removal
  upload: Upload
  uses: Uses
  events: Events
  identity: IdentityReader
  health: Health
  metrics: Metrics
  log: Logger
}

/** The service as a listener for Node's HTTP server. */
export function createApp(deps: Deps): RequestListener {
  const listener = getRequestListener(createRoutes(deps).fetch, {
    // What Hono never sees: a request without a usable host or path.
    errorHandler: () => replyProblem(new Problem(400, 'The request cannot be understood.')),
    // It would end the connection half a second after an answer that came before the body.
    autoCleanupIncoming: false,
  })
  const lingering: RequestListener = (incoming, outgoing) => {
    lingerAfterAnswer(incoming, outgoing)
    return listener(incoming, outgoing)
  }
  return traceRequests(lingering, ({ method, route = 'none', status, ms }) =>
    deps.metrics.timing('request.duration', ms, { method, route, status: String(status) }),
  )
}

export function createRoutes(deps: Deps): Hono<Env> {
  const app = new Hono<Env>()
  const asking = createAsking(deps.identity)
  app.use(honoRoute())
  addUploadRoute(app, asking, deps)
  addBytesRoute(app, asking, deps)
  addMediaRoutes(app, asking, deps)
  addInternalRoutes(app, deps.uses)
  addOperations(app, deps.health)
  app.notFound(() => replyProblem(new Problem(404, 'There is nothing here.')))
  app.onError((error) => {
    const problem = toProblem(error)
    if (problem.status >= 500) {
      const cause = problem.cause ?? problem
      recordException(cause)
      deps.log.error({ err: cause, status: problem.status }, 'request failed')
    } else if (typeof problem.cause === 'string') deps.events.tokenRefused(problem.cause)
    return replyProblem(problem)
  })
  return app
}

function addOperations(app: Hono<Env>, health: Health): void {
  const openapi = createOpenapi()
  app.get('/openapi.json', () => replyJson(openapi))
  app.get('/livez', () => {
    const { status, body } = health.live()
    return replyJson(body, status)
  })
  app.get('/readyz', async () => {
    const { status, body } = await health.ready()
    return replyJson(body, status)
  })
}
