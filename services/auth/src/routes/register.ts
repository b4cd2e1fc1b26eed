import { parse } from '@clew/kit/validate'
import type { Router } from 'express'
import type { AppDeps } from '../app.ts'
import { registration } from '../schemas.ts'
import { body } from './body.ts'
import { reply } from './reply.ts'

export function registerRoutes(router: Router, { accounts, limits, passwords }: AppDeps) {
  router.post('/api/auth/register', body, async (request, response) => {
    const { email, username, password } = parse(registration, request.body)
    await limits.register(request.ip ?? '')
    const passwordHash = await passwords.hash(password)
    const entry = await accounts.register({ email, username, passwordHash })
    reply(response, 201, 'Welcome to Clew.', entry)
  })
}
