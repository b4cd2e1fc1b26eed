import type { RequestListener } from 'node:http'
import { recordException } from '@clew/telemetry/error'
import { expressRoute } from '@clew/telemetry/express'
import { honoRoute } from '@clew/telemetry/hono'
import { koaRoute } from '@clew/telemetry/koa'
import { setRoute } from '@clew/telemetry/route'
import { getRequestListener } from '@hono/node-server'
import KoaRouter from '@koa/router'
import express, { type ErrorRequestHandler } from 'express'
import { Hono } from 'hono'
import Koa from 'koa'

/** What each app's routes do. `work` is told the id of the path. */
export type Work = (id: string) => Promise<void>

/**
 * The same small service on each framework: `GET /things/{id}` works and answers 204, whatever is
 * thrown becomes a 500 at the one error edge, anything else is a 404.
 */
export const apps: Record<string, (work: Work) => RequestListener> = {
  'Node alone': createBareApp,
  Express: createExpressApp,
  Hono: createHonoApp,
  Koa: createKoaApp,
}

function createBareApp(work: Work): RequestListener {
  return async (request, response) => {
    const id = /^\/things\/(\w+)/.exec(request.url ?? '')?.[1]
    if (id === undefined) return response.writeHead(404).end()
    setRoute(request, '/things/{id}')
    try {
      await work(id)
      response.writeHead(204).end()
    } catch (error) {
      recordException(error)
      response.writeHead(500).end()
    }
  }
}

function createExpressApp(work: Work): RequestListener {
  const things = express.Router()
  things.get('/:id', async (request, response) => {
    await work(request.params.id)
    response.sendStatus(204)
  })
  const edge: ErrorRequestHandler = (error, _request, response, _next) => {
    recordException(error)
    response.sendStatus(500)
  }
  // Mounted, as a router of a larger app is.
  return express().use(expressRoute()).use('/things', things).use(edge)
}

function createHonoApp(work: Work): RequestListener {
  const app = new Hono<{ Bindings: Parameters<RequestListener>[0] & never }>()
  app.use(honoRoute() as never)
  app.get('/things/:id', async (context) => {
    await work(context.req.param('id'))
    return context.body(null, 204)
  })
  app.onError((error, context) => {
    recordException(error)
    return context.body(null, 500)
  })
  return getRequestListener(app.fetch)
}

function createKoaApp(work: Work): RequestListener {
  const router = new KoaRouter()
  router.get('/things/:id', async (context) => {
    await work(context.params.id ?? '')
    context.status = 204
  })
  const app = new Koa()
  app.use(async (context, next) => {
    try {
      await next()
    } catch (error) {
      recordException(error)
      context.status = 500
    }
  })
  app.use(koaRoute() as Koa.Middleware)
  return app.use(router.routes()).callback()
}
