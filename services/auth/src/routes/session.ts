import { parse } from '@clew/kit/validate'
import type { Request, Router } from 'express'
import type { AppDeps } from '../app.ts'
import { refreshing } from '../schemas.ts'
import { body } from './body.ts'
import { reply } from './reply.ts'

const goesOn = 'Your session goes on.'

export function sessionRoutes(router: Router, { cookies, sessions }: AppDeps) {
  const bearer = (request: Request) => {
    const { token } = cookies.read(request)
    return request.headers.authorization ?? (token && `Bearer ${token}`)
  }

  // A browser that was away longer than its access token lasts has the refresh token left.
  router.post('/api/auth/logout', async (request, response) => {
    const { refresh } = cookies.read(request)
    cookies.clearTokens(response)
    if (refresh && !request.headers.authorization) await sessions.endBy(refresh)
    else await sessions.end(await sessions.require(bearer(request)))
    response.json({ message: 'You are logged out everywhere this session was used.' })
  })

  // The body's refresh token counts first, then the cookie's, then an access token still valid.
  router.post('/api/auth/refresh', body, async (request, response) => {
    const given = parse(refreshing, request.body ?? {}).refresh_token
    const { refresh, token } = cookies.read(request)
    const fromCookie = !given && !request.headers.authorization && Boolean(refresh ?? token)
    const spent = given ?? (fromCookie ? refresh : undefined)
    const renewal = spent
      ? await sessions.refresh(spent)
      : await sessions.renew(await sessions.require(bearer(request)))
    if (!fromCookie) return reply(response, 200, goesOn, renewal)
    // In the body they would be for any script on the page to read.
    cookies.giveTokens(response, renewal.token, renewal.refreshToken)
    response.set('cache-control', 'no-store').json({ message: goesOn })
  })
}
