import { parse } from '@clew/kit/validate'
import type { Router } from 'express'
import type { AppDeps } from '../app.ts'
import { manyTokens, oneToken } from '../schemas.ts'
import type { Session } from '../session.ts'
import { body, largeBody } from './body.ts'

export function validateRoutes(router: Router, { sessions }: AppDeps) {
  // A token that is not valid is an answer here, not an error.
  router.post('/api/validate/token', body, async (request, response) => {
    const { token } = parse(oneToken, request.body)
    const [verdict] = await sessions.check([token])
    if (!verdict || 'refused' in verdict) response.json({ valid: false })
    else response.json({ valid: true, user: accountOf(verdict) })
  })

  router.get('/api/validate/user', async (request, response) => {
    const session = await sessions.require(request.headers.authorization)
    response.json(accountOf(session))
  })

  router.post('/api/validate/batch', largeBody, async (request, response) => {
    const { tokens } = parse(manyTokens, request.body)
    const verdicts = await sessions.check(tokens)
    const results = verdicts.map((verdict, index) => {
      const token = tokens[index]
      if ('refused' in verdict) return { token, valid: false, reason: verdict.refused }
      return { token, valid: true, userId: verdict.user.id }
    })
    response.json({ results })
  })
}

function accountOf({ user, provider }: Session) {
  return { ...user, provider }
}
