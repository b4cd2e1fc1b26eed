import { text } from '@clew/kit/validate'
import { z } from 'zod'

export const pageSize = 20

const id = z.uuid()
const time = z.iso.datetime({ offset: true })
const name = text(0, 100).regex(/\S/, 'must not be blank')
const noNull = (value: string) => !value.includes('\0')
const avatar = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .max(2048)
  .refine(noNull, 'must not contain a null byte')

/** A person as everybody sees them. */
export const profile = z
  .object({
    user_id: id,
    username: z.string(),
    display_name: z.string(),
    bio: z.string(),
    avatar_url: z.string().nullable(),
    follower_count: z.int().min(0),
    following_count: z.int().min(0),
    created_at: time,
  })
  .meta({ id: 'Profile' })

/** What a person may change of their own profile; what is left out stays. */
export const profileChange = z
  .strictObject({
    display_name: name.optional(),
    bio: text(0, 500).optional(),
    avatar_url: avatar.nullable().optional(),
  })
  .refine((change) => Object.keys(change).length > 0, {
    path: ['display_name'],
    message: 'give at least one of display_name, bio, avatar_url',
  })
  .meta({ id: 'ProfileChange' })

/** A profile as auth asks for it when somebody registers. */
export const newProfile = z
  .strictObject({ user_id: id, username: text(1, 100), created_at: time })
  .meta({ id: 'NewProfile' })

/** The fact `user.registered`; it may grow fields that are not ours to know. */
export const registered = z.object({ user_id: id, username: text(1, 100), created_at: time })

export const follow = z
  .object({ follower_id: id, following_id: id, created_at: time })
  .meta({ id: 'Follow' })

export const message = z.object({ message: z.string() }).meta({ id: 'Message' })

const limit = z.coerce.number().int().min(1).max(50).default(pageSize)

const cursor = z.string()

export const pageQuery = z.object({ limit, cursor: cursor.optional() })

/** One page of people, newest follow first. `next_cursor` is null on the last page. */
export const profilePage = z
  .object({ profiles: z.array(profile), count: z.int(), next_cursor: z.string().nullable() })
  .meta({ id: 'ProfilePage' })

/** Ids of people who may exist or not. */
export const askedIds = z
  .strictObject({ ids: z.array(id).min(1).max(1_000) })
  .meta({ id: 'AskedIds' })

/** Those of them who have a profile, each once, in no particular order. */
export const knownIds = z.object({ ids: z.array(id) }).meta({ id: 'KnownIds' })

const idsAtOnce = 10_000

export const followerIdsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(idsAtOnce).default(idsAtOnce),
  after: cursor.optional(),
})

/**
 * `ids` are those of one page with a space between them. `next` goes into `after`; null on the last
 * page. `follower_count` is of all pages.
 */
export const followerIds = z
  .object({ follower_count: z.int().min(0), ids: z.string(), next: z.string().nullable() })
  .meta({ id: 'FollowerIds' })

/** The 10,000 followed last, newest first. */
export const followingIds = z.object({ ids: z.array(id) }).meta({ id: 'FollowingIds' })

export const searchQuery = z.object({
  q: text(0, 100).regex(/\S/, 'must not be blank'),
  limit,
})

/** The best matches first; `total` counts all of them, `results` holds up to `limit`. */
export const searchResults = z
  .object({ query: z.string(), results: z.array(profile), total: z.int(), limit: z.int() })
  .meta({ id: 'SearchResults' })

export type NewProfile = z.infer<typeof newProfile>
export type ProfileChange = z.infer<typeof profileChange>
export type PageQuery = z.infer<typeof pageQuery>
export type SearchQuery = z.infer<typeof searchQuery>
