import { z } from 'zod'

const id = z.uuid()

const variant = z.object({
  name: z.enum(['thumb', 'card']),
  url: z.string(),
  content_type: z.string(),
  width: z.int().min(1),
  height: z.int().min(1),
})

/** `width` and `height` are null for a video; `variants` are listed before they are made. */
export const media = z
  .object({
    id,
    user_id: id,
    url: z.string(),
    content_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'video/mp4']),
    bytes: z.int().min(1),
    width: z.int().min(1).nullable(),
    height: z.int().min(1).nullable(),
    variants: z.array(variant),
    status: z.enum(['processing', 'ready', 'failed']),
    created_at: z.iso.datetime({ offset: true }),
  })
  .meta({ id: 'Media' })

/** Asked by feed before it stores a post. */
export const newUses = z
  .strictObject({ post_id: id, user_id: id, media_ids: z.array(id).min(1).max(4) })
  .meta({ id: 'NewUses' })

/** The path of a post whose uses end. */
export const oneUse = z.object({ post_id: id })

export const uses = z.object({ media: z.array(media) }).meta({ id: 'Uses' })

export type NewUses = z.infer<typeof newUses>
