import type { Client } from '@clew/kit/client'
import { type Identity, type IdentityReader, unauthorized } from '@clew/kit/identity'
import { Problem } from '@clew/kit/problem'

export type Handshake = (token: unknown) => Promise<Identity>

/**
 * Finds out who connects. What is no token of ours is refused here; of any other auth is asked, once
 * for each connection. While auth is away the token itself has to do, as for a request.
 * @throws Problem 401, 503
 */
export function createHandshake(identity: Pick<IdentityReader, 'read'>, auth: Client): Handshake {
  return async (token) => {
    if (typeof token !== 'string') throw unauthorized('absent')
    const who = await identity.read(token)
    if ('refused' in who) throw unauthorized(who.refused)
    if (!(await stands(auth, token))) throw unauthorized('invalid')
    return who
  }
}

async function stands(auth: Client, token: string): Promise<boolean> {
  try {
    const { body } = await auth.request<{ valid: boolean }>({
      method: 'POST',
      template: '/api/validate/token',
      body: { token },
      idempotent: true,
    })
    return body.valid
  } catch (error) {
    if (error instanceof Problem && error.status === 503) return true
    throw error
  }
}
