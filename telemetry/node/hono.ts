import type { IncomingMessage } from 'node:http'
import type { Context, Next } from 'hono'
import { routePath } from 'hono/route'
import { setRoute } from './route.ts'

/** Hono middleware, placed first: tells the span which route matched. Needs `@hono/node-server`. */
export function honoRoute() {
  return async function route(
    context: Context<{ Bindings: { incoming: IncomingMessage } }>,
    next: Next,
  ) {
    await next()
    // Of the handler that answered: several patterns may match one path.
    const matched = routePath(context)
    if (!matched.endsWith('*')) setRoute(context.env.incoming, matched)
  }
}
