import type { IncomingMessage } from 'node:http'
import { setRoute } from './route.ts'

type Route = { path: unknown }
type ExpressRequest = IncomingMessage & { baseUrl: string; route?: Route }

/** Express middleware, placed first: tells the span which route matched. */
export function expressRoute() {
  return function route(request: ExpressRequest, _response: unknown, next: () => void) {
    let matched: Route | undefined
    // Once a handler of a mounted router has thrown, nothing tells any longer where it was mounted.
    Object.defineProperty(request, 'route', {
      configurable: true,
      enumerable: true,
      get: () => matched,
      set(route: Route | undefined) {
        matched = route
        if (typeof route?.path === 'string') setRoute(request, request.baseUrl + route.path)
      },
    })
    next()
  }
}
