import type { IncomingMessage } from 'node:http'
import { setRoute } from './route.ts'

type KoaContext = { req: IncomingMessage; _matchedRoute?: string | RegExp }

/** Koa middleware, placed before the router: tells the span which route matched. */
export function koaRoute() {
  return async function route(context: KoaContext, next: () => Promise<unknown>): Promise<void> {
    try {
      await next()
    } finally {
      if (typeof context._matchedRoute === 'string') setRoute(context.req, context._matchedRoute)
    }
  }
}
