import { Problem } from '@clew/kit/problem'
import { parse } from '@clew/kit/validate'
import type { Router } from 'express'
import type { AppDeps } from '../app.ts'
import { credentials } from '../schemas.ts'
import { findUserByEmail, type StoredUser } from '../store/users.ts'
import { body } from './body.ts'
import { reply } from './reply.ts'

export function loginRoutes(router: Router, deps: AppDeps) {
  const { accounts, events, limits, passwords, postgres } = deps

  // An unknown account takes the same steps and the same time as a wrong password.
  router.post('/api/auth/login', body, async (request, response) => {
    const { email, password } = parse(credentials, request.body)
    const address = request.ip ?? ''
    await limits.login(address, email)
    const user = await prove(email, password).catch(async (error) => {
      // The trouble is ours: it must not lock anybody out who tries again.
      await limits.forgive(address, email)
      throw error
    })
    if (!user) {
      events.loginRefused()
      throw new Problem(401, 'The e-mail address or the password is wrong.')
    }
    const [entry] = await Promise.all([
      accounts.enter(user, user.roles, 'password'),
      limits.forgive(address, email),
    ])
    reply(response, 200, 'Welcome back.', entry)
  })

  /** Whose e-mail address and password these are, if anybody's. */
  async function prove(email: string, password: string): Promise<StoredUser | undefined> {
    const user = await findUserByEmail(postgres, email)
    const matches = await passwords.verify(password, user?.passwordHash)
    return matches ? user : undefined
  }
}
