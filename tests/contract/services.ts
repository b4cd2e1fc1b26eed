import { schema as authSchema } from '@clew/auth/config'
import { schema as feedSchema } from '@clew/feed/config'
import { schema as profileSchema } from '@clew/profile/config'
import type { z } from 'zod'
import { resident } from '../person.ts'

/** What the contract needs to know of a service to hold it to the rules that all of them keep. */
export type ServiceRow = {
  name: 'auth' | 'profile' | 'feed'
  config: z.ZodObject
  /** A request that only somebody with a token may make. */
  guarded: { method: 'GET' | 'POST'; path: string; route: string }
  /** A request that takes a JSON body. The body is small and acceptable. */
  takes: {
    path: string
    body: object
    /** It is taken from registered people only, not from anybody. */
    needsToken?: true
  }
}

/** The id of a person who was never registered. */
export const somebody = '0190a0b0-0000-7000-8000-00000000abcd'

/** A new service is one more row. */
export const services: ServiceRow[] = [
  {
    name: 'auth',
    config: authSchema,
    guarded: { method: 'GET', path: '/api/validate/user', route: '/api/validate/user' },
    takes: { path: '/api/validate/token', body: { token: 'none' } },
  },
  {
    name: 'profile',
    config: profileSchema,
    guarded: {
      method: 'POST',
      path: `/api/users/${somebody}/follow`,
      route: '/api/users/{id}/follow',
    },
    takes: {
      path: '/internal/profiles',
      body: {
        user_id: somebody,
        username: 'contract_somebody',
        created_at: '2026-01-01T00:00:00.000Z',
      },
    },
  },
  {
    name: 'feed',
    config: feedSchema,
    guarded: { method: 'POST', path: `/api/posts/${somebody}/like`, route: '/api/posts/{id}/like' },
    takes: { path: '/api/posts', body: { content: 'Within the contract.' }, needsToken: true },
  },
]

/** The headers with which a service takes its JSON body. */
export async function headersFor({ takes }: ServiceRow): Promise<Record<string, string>> {
  if (!takes.needsToken) return {}
  const { token } = await resident()
  return { authorization: `Bearer ${token}` }
}

/** The variables without which it cannot start. */
export function requiredVariables({ config }: ServiceRow): string[] {
  const entries = Object.entries(config.shape as Record<string, z.ZodType>)
  return entries.filter(([, type]) => !type.safeParse(undefined).success).map(([name]) => name)
}
