import { parse } from '@clew/kit/validate'
import type { Request, Router } from 'express'
import type { AppDeps } from '../app.ts'
import { refreshing } from '../schemas.ts'
import { body } from './body.ts'
import { reply } from './reply.ts'

export function sessionRoutes(router: Router, { cookies, sessions }: AppDeps) {
  const bearer = (request: Request) => {
    const { token } = cookies.read(request)
    return request.headers.authorization ?? (token && `Bearer ${token}`)
  }

  router.post('/api/auth/logout', async (request, response) => {
    const session = await sessions.require(bearer(request))
    await sessions.end(session)
    cookies.clearTokens(response)
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
    if (fromCookie) cookies.giveTokens(response, renewal.token, renewal.refreshToken)
    reply(response, 200, 'Your session goes on.', renewal)
  })
}
