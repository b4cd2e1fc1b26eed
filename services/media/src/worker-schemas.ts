import { z } from 'zod'

const id = z.uuid()

/** The facts that the worker acts on; they may grow fields that are not ours to know. */
export const mediaFact = z.object({ media_id: id })
export const postCreated = z.object({
  post_id: id,
  user_id: id,
  media_ids: z.array(id).default([]),
})
export const postDeleted = z.object({ post_id: id })

export type PostCreated = z.infer<typeof postCreated>
