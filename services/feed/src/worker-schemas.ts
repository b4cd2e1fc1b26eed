import { z } from 'zod'

const id = z.uuid()

/** The facts that the worker acts on; they may grow fields that are not ours to know. */
export const postCreated = z.object({ post_id: id, user_id: id })
export const postUpdated = z.object({ post_id: id })
export const postDeleted = z.object({ post_id: id })
const counts = { like_count: z.int(), comment_count: z.int(), version: z.int() }
export const postLiked = z.object({ post_id: id, user_id: id, liked: z.boolean(), ...counts })
export const postCommented = z.object({ post_id: id, ...counts })
export const follow = z.object({ follower_id: id, following_id: id })
export const authorCard = z.object({
  user_id: id,
  username: z.string(),
  display_name: z.string(),
  avatar_url: z.string().nullable(),
  updated_at: z.iso.datetime(),
})

export type PostCreated = z.infer<typeof postCreated>
export type AuthorCard = z.infer<typeof authorCard>
