import type { Client } from '@clew/kit/client'

export type Followers = {
  /** Of all pages together. */
  follower_count: number
  /** With a space between them. */
  ids: string
  /** What to ask for after this page; null on the last. */
  next: string | null
}
export type ProfileNeighbour = ReturnType<typeof createProfileNeighbour>

// Ten thousand ids are 400 KB, which a busy machine may take a while for.
const withinMs = 3_000

/** What feed asks profile besides cards. Every function throws Problem 503 while profile is away. */
export function createProfileNeighbour(profile: Client) {
  return {
    /** Whom this person follows: the 10,000 followed last. Nobody for somebody unknown. */
    async findFollowing(id: string): Promise<string[]> {
      const { body } = await profile.request<{ ids: string[] }>({
        method: 'GET',
        template: '/internal/users/{id}/following',
        path: `/internal/users/${id}/following`,
        withinMs,
      })
      return body.ids
    },
    /** One page of those who follow this person, up to 10,000. */
    async findFollowers(id: string, limit: number, after?: string | null): Promise<Followers> {
      const { body } = await profile.request<Followers>({
        method: 'GET',
        template: '/internal/users/{id}/followers',
        path: `/internal/users/${id}/followers?limit=${limit}${after ? `&after=${after}` : ''}`,
        withinMs,
      })
      return body
    },
  }
}
