import { traceCall } from '@clew/telemetry/http-client'
import type { CustomFetch } from 'openid-client'

/**
 * `fetch` with a CLIENT span, for calls to providers. Our trace context is not sent along: it would
 * tell a stranger nothing but that two requests belong together. In mode `auto` the community's
 * instrumentation makes the span instead, and does send the context.
 */
export const tracedFetch: CustomFetch = (address, options) => {
  const url = new URL(address)
  const call = {
    method: options.method,
    template: url.pathname,
    url: url.origin + url.pathname,
    address: url.hostname,
    port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)),
    resend: 0,
    breaker: 'closed' as const,
  }
  return traceCall(call, () => fetch(address, options as RequestInit))
}
