import type { Client } from '@clew/kit/client'
import { z } from 'zod'
import { type Media, media } from './schemas.ts'

export type MediaNeighbour = ReturnType<typeof createMediaNeighbour>

type Use = { post_id: string; user_id: string; media_ids: string[] }

// Its author waits for the answer meanwhile.
const releaseMs = 300

/** The answer may grow fields that are not shown with a post. */
const used = z.object({ media: z.array(media) })

/** What feed asks media. */
export function createMediaNeighbour(client: Client) {
  return {
    /**
     * Before a post is stored: what is shown with it, in the order of `media_ids`. Media does not
     * delete it from then on; should the post never be stored, media forgets that use by itself.
     * Nothing is asked for a post without media.
     * @throws Problem 422 naming those that there are not, that failed or are somebody else's; 503
     */
    async use({ post_id, user_id, media_ids }: Use): Promise<Media[]> {
      if (media_ids.length === 0) return []
      const { body } = await client.request({
        method: 'POST',
        template: '/internal/media/uses',
        body: { post_id, user_id, media_ids },
        idempotent: true,
      })
      return used.parse(body).media
    },

    /** The post was not stored, for certain. When media cannot be told, it finds out in minutes. */
    async release(postId: string): Promise<void> {
      const call = client.request({
        method: 'DELETE',
        template: '/internal/media/uses/{post_id}',
        path: `/internal/media/uses/${postId}`,
        withinMs: releaseMs,
      })
      await call.catch(() => {})
    },
  }
}
