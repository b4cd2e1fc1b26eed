import type { IncomingMessage } from 'node:http'
import { context } from '@opentelemetry/api'
import { getRPCMetadata, RPCType } from '@opentelemetry/core'

const routeOf = Symbol('clew.route')
type Routed = IncomingMessage & { [routeOf]?: string }

/**
 * Tells the request's span which route matched, such as `/api/users/{id}`.
 * Frameworks write parameters as `:id`; a span name uses the braces of OpenAPI.
 */
export function setRoute(request: IncomingMessage, route: string): void {
  const template = route.replace(/:(\w+)/g, '{$1}')
  ;(request as Routed)[routeOf] = template
  // The automatic HTTP instrumentation keeps its route here.
  const metadata = getRPCMetadata(context.active())
  if (metadata?.type === RPCType.HTTP) metadata.route = template
}

export function routeFor(request: IncomingMessage): string | undefined {
  return (request as Routed)[routeOf]
}
