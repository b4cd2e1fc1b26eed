import type { RequestListener } from 'node:http'
import type { Client } from '@clew/kit/client'
import type { Health } from '@clew/kit/health'
import type { Revocations } from '@clew/kit/identity'
import type { Logger } from '@clew/kit/log'
import type { Relay } from '@clew/kit/outbox'
import type { Postgres } from '@clew/kit/postgres'
import { Problem, problemBody, toProblem } from '@clew/kit/problem'
import type { Redis } from '@clew/kit/redis'
import { recordException } from '@clew/telemetry/error'
import { expressRoute } from '@clew/telemetry/express'
import { traceRequests } from '@clew/telemetry/http-server'
import type { Metrics } from '@clew/telemetry/statsd'
import express, { type ErrorRequestHandler, Router } from 'express'
import { createAccounts } from './accounts.ts'
import { createSessionCache } from './cache.ts'
import type { Config } from './config.ts'
import { createEvents } from './events.ts'
import { createFlows } from './flows.ts'
import type { Keys } from './keys.ts'
import { createLimits } from './limits.ts'
import { createPasswords } from './passwords.ts'
import { createProviders } from './providers.ts'
import { createCookies } from './routes/cookies.ts'
import { endingRoutes } from './routes/endings.ts'
import { keyRoutes } from './routes/keys.ts'
import { loginRoutes } from './routes/login.ts'
import { providerRoutes } from './routes/providers.ts'
import { registerRoutes } from './routes/register.ts'
import { serviceRoutes } from './routes/service.ts'
import { sessionRoutes } from './routes/session.ts'
import { validateRoutes } from './routes/validate.ts'
import { createSessions } from './sessions.ts'

/** What the process opened for us. */
export type Resources = {
  config: Config
  health: Health
  keys: Keys
  log: Logger
  metrics: Metrics
  postgres: Postgres
  profile: Client
  redis: Redis
  relay: Relay
  revocations: Revocations
}
export type AppDeps = ReturnType<typeof createDeps>

/** The service as a listener for Node's HTTP server. */
export function createApp(resources: Resources): RequestListener {
  const deps = createDeps(resources)
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // The gateway is on this machine and says who is behind it; nobody else is believed.
  app.set('trust proxy', 'loopback')
  app.use(expressRoute())
  app.use(createRouter(deps))
  app.use(() => {
    throw new Problem(404, 'There is nothing here.')
  })
  app.use(errorEdge(deps))
  return traceRequests(app, ({ method, route = 'none', status, ms }) =>
    deps.metrics.timing('request_duration', ms, { method, route, status: String(status) }),
  )
}

export function createRouter(deps: AppDeps): Router {
  const router = Router({ caseSensitive: true, strict: true })
  registerRoutes(router, deps)
  loginRoutes(router, deps)
  sessionRoutes(router, deps)
  providerRoutes(router, deps)
  endingRoutes(router, deps)
  validateRoutes(router, deps)
  keyRoutes(router, deps)
  serviceRoutes(router, deps)
  return router
}

function createDeps(resources: Resources) {
  const { config, keys, log, metrics, postgres, profile, redis, relay, revocations } = resources
  const events = createEvents(log, metrics)
  const cache = createSessionCache(redis, metrics)
  return {
    ...resources,
    accounts: createAccounts({ postgres, cache, keys, profile, relay, events }),
    cookies: createCookies(config.gatewayUrl.startsWith('https:')),
    events,
    flows: createFlows(redis, keys),
    limits: createLimits(redis, config.rates, events.limited),
    passwords: createPasswords(),
    providers: createProviders(config),
    sessions: createSessions({ postgres, cache, keys, relay, events, revocations }),
  }
}

/** The one place where something thrown becomes an answer. Express knows it by its four arguments. */
function errorEdge({ events, log }: AppDeps): ErrorRequestHandler {
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
