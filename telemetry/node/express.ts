import type { IncomingMessage } from 'node:http'
import { setRoute } from './route.ts'

type ExpressRequest = IncomingMessage & { baseUrl: string; route?: { path: unknown } }
type ExpressResponse = { once(event: 'finish', listener: () => void): unknown }

/** Express middleware, placed first: when the answer is out, tells the span which route gave it. */
export function expressRoute() {
  return function route(request: ExpressRequest, response: ExpressResponse, next: () => void) {
    response.once('finish', () => {
      if (typeof request.route?.path === 'string')
        setRoute(request, request.baseUrl + request.route.path)
    })
    next()
  }
}
