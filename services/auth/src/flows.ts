import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Redis } from '@clew/kit/redis'
import { jwtVerify, SignJWT } from 'jose'
import type { Keys } from './keys.ts'
import type { Flow } from './providers.ts'

export type Flows = {
  /** Keeps the flow, and gives the cookie that binds it to the browser which began it. */
  keep(flow: Flow): Promise<string>
  /** The flow that `state` and `cookie` belong to; once, within 10 minutes. */
  take(state: string, cookie: string): Promise<Flow | undefined>
}

export const flowSeconds = 10 * 60
// Not the audience of access tokens, so that neither passes for the other.
const purpose = { issuer: 'clew', audience: 'clew-oauth' }
const key = (state: string) => `auth:oauth:${state}`

/**
 * People on their way to a provider and back: in Redis under `auth:oauth:{state}`, with a random
 * cookie to match. While Redis is away the cookie itself carries the flow, signed.
 */
export function createFlows(redis: Redis, keys: Keys): Flows {
  return {
    async keep(flow) {
      const cookie = randomBytes(24).toString('base64url')
      const kept = await redis.attempt({
        command: 'SET',
        on: 'oauth',
        send: (client) =>
          client.set(key(flow.state), JSON.stringify({ flow, cookie }), { EX: flowSeconds }),
      })
      return kept ? cookie : sign(flow, keys)
    },
    async take(state, cookie) {
      if (cookie.includes('.')) return verify(state, cookie, keys)
      const kept = await redis.attempt({
        command: 'GETDEL',
        on: 'oauth',
        send: (client) => client.getDel(key(state)),
      })
      if (!kept) return undefined
      const known: { flow: Flow; cookie: string } = JSON.parse(kept)
      return matches(known.cookie, cookie) ? known.flow : undefined
    },
  }
}

async function sign(flow: Flow, keys: Keys): Promise<string> {
  const { kid, key } = keys.signing()
  return new SignJWT(flow)
    .setProtectedHeader({ alg: 'RS256', kid })
    .setIssuer(purpose.issuer)
    .setAudience(purpose.audience)
    .setExpirationTime(`${flowSeconds} s`)
    .sign(key)
}

async function verify(state: string, cookie: string, keys: Keys): Promise<Flow | undefined> {
  try {
    const { payload } = await jwtVerify<Flow>(cookie, keys.find, {
      ...purpose,
      algorithms: ['RS256'],
    })
    return payload.state === state ? payload : undefined
  } catch {
    return undefined
  }
}

function matches(known: string, given: string): boolean {
  const [a, b] = [Buffer.from(known), Buffer.from(given)]
  return a.length === b.length && timingSafeEqual(a, b)
}
