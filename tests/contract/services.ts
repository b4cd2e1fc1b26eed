import { schema as authSchema } from '@clew/auth/config'
import { schema as feedSchema } from '@clew/feed/config'
import { schema as mediaSchema } from '@clew/media/config'
import { schema as messagingSchema } from '@clew/messaging/config'
import { schema as profileSchema } from '@clew/profile/config'
import type { z } from 'zod'
import { photo } from '../images.ts'
import { type Person, resident } from '../person.ts'

/** What the contract needs to know of a service to hold it to the rules that all of them keep. */
export type ServiceRow = {
  name: 'auth' | 'profile' | 'feed' | 'messaging' | 'media'
  config: z.ZodObject
  /** A request that only somebody with a token may make. */
  guarded: { method: 'GET' | 'POST'; path: string; route: string }
  /** A request that takes a JSON body. */
  takes: {
    path: string
    /** Sees to it that there is such a request, with a small body that is acceptable. */
    prepare(): Promise<Prepared>
  }
}
/** `headers` with a token, where it is taken from registered people only. */
export type Prepared = { body: object; headers: Record<string, string> }

/** The id of a person who was never registered. */
export const somebody = '0190a0b0-0000-7000-8000-00000000abcd'

/** A new service is one more row. */
export const services: ServiceRow[] = [
  {
    name: 'auth',
    config: authSchema,
    guarded: { method: 'GET', path: '/api/validate/user', route: '/api/validate/user' },
    takes: {
      path: '/api/validate/token',
      prepare: async () => ({ body: { token: 'none' }, headers: {} }),
    },
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
      prepare: async () => ({
        body: {
          user_id: somebody,
          username: 'contract_somebody',
          created_at: '2026-01-01T00:00:00.000Z',
        },
        headers: {},
      }),
    },
  },
  {
    name: 'feed',
    config: feedSchema,
    guarded: { method: 'POST', path: `/api/posts/${somebody}/like`, route: '/api/posts/{id}/like' },
    takes: {
      path: '/api/posts',
      prepare: async () => ({
        body: { content: 'Within the contract.' },
        headers: tokenOf(await resident()),
      }),
    },
  },
  {
    name: 'messaging',
    config: messagingSchema,
    guarded: {
      method: 'GET',
      path: '/api/messages/conversations',
      route: '/api/messages/conversations',
    },
    takes: {
      path: '/api/messages',
      async prepare() {
        const [sender, other] = await Promise.all([resident(), resident()])
        const body = { to: other.id, body: 'Within the contract.', client_id: 'contract' }
        return { body, headers: tokenOf(sender) }
      },
    },
  },
  {
    name: 'media',
    config: mediaSchema,
    guarded: { method: 'POST', path: '/api/media', route: '/api/media' },
    takes: {
      path: '/internal/media/uses',
      async prepare() {
        const owner = await resident()
        const { body: media } = await owner.upload(await photo())
        return {
          body: { post_id: somebody, user_id: owner.id, media_ids: [media.id] },
          headers: {},
        }
      },
    },
  },
]

function tokenOf({ token }: Person): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** The variables without which it cannot start. */
export function requiredVariables({ config }: ServiceRow): string[] {
  const entries = Object.entries(config.shape as Record<string, z.ZodType>)
  return entries.filter(([, type]) => !type.safeParse(undefined).success).map(([name]) => name)
}
