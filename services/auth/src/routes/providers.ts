import { Problem } from '@clew/kit/problem'
import type { Request, Response, Router } from 'express'
import type { AppDeps } from '../app.ts'
import { flowSeconds } from '../flows.ts'
import { enterFrom, ProviderRefusal } from '../provider-entry.ts'
import type { Provider } from '../providers.ts'

/** Browsers come here, so both routes end in redirects; a token is never part of an address. */
export function providerRoutes(router: Router, deps: AppDeps) {
  const { config, cookies, events, flows, limits, providers } = deps

  const known = (name: string | undefined): Provider => {
    const provider = providers.find(name ?? '')
    if (!provider) throw new Problem(404, 'There is no such provider here.')
    return provider
  }
  const fail = (response: Response, provider: Provider, reason: string, error?: unknown) => {
    events.providerFailed(provider.name, reason, error)
    response.redirect(303, `/auth/error?provider=${provider.name}&reason=${reason}`)
  }

  router.get('/api/auth/:provider', async (request, response) => {
    const provider = known(request.params.provider)
    await limits.leave(request.ip ?? '')
    try {
      const { url, flow } = await provider.begin()
      cookies.giveFlow(response, await flows.keep(flow), flowSeconds)
      events.leftForProvider(provider.name)
      response.set('cache-control', 'no-store').redirect(303, url.href)
    } catch (error) {
      fail(response, provider, 'unavailable', error)
    }
  })

  router.get('/api/auth/:provider/callback', async (request, response) => {
    const provider = known(request.params.provider)
    cookies.clearFlow(response)
    response.set('cache-control', 'no-store')
    try {
      const account = await finish(provider, request)
      const entry = await enterFrom(deps, provider.name, account)
      cookies.giveTokens(response, entry.token, entry.refreshToken)
      events.cameThroughProvider(provider.name)
      response.redirect(303, `/auth/callback?provider=${provider.name}`)
    } catch (error) {
      fail(response, provider, reasonOf(error), error)
    }
  })

  async function finish(provider: Provider, request: Request) {
    const { state, error } = request.query
    const flow = await flows.take(String(state ?? ''), cookies.read(request).flow ?? '')
    if (flow?.provider !== provider.name) throw new ProviderRefusal('state')
    if (error) throw new ProviderRefusal('denied')
    // As the browser sees it: the provider compares it with where it was asked to send them.
    return provider.finish(new URL(request.originalUrl, config.gatewayUrl), flow)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ProviderRefusal) return error.reason
  return error instanceof Problem && error.status === 503 ? 'unavailable' : 'provider'
}
