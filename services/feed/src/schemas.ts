import { z } from 'zod'

export const pageSize = 20
/** A page reached by number ends here, as the lists in the cache do; cursors lead further. */
export const deepest = 800

const id = z.uuid()
const time = z.iso.datetime({ offset: true })
const count = z.int().min(0)
const mostUnits = 8_000
const segmenter = new Intl.Segmenter()
// Spaces, control and format characters, and letters without a shape: nobody sees these.
const invisible = /^[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/** Counts characters as people see them: a flag or a family is one, however it is put together. */
function isWithin(max: number, value: string): boolean {
  if (value.length <= max) return true
  let seen = 0
  for (const _ of segmenter.segment(value)) if (++seen > max) return false
  return true
}

/** Something to read, of at most `max` characters as people see them. */
function words(max: number) {
  return anyWords(max).refine((value) => !invisible.test(value), 'must not be blank')
}

function anyWords(max: number) {
  return z
    .string()
    .max(mostUnits)
    .refine((value) => !value.includes('\0'), 'must not contain a null byte')
    .refine(
      (value) => value.length > mostUnits || isWithin(max, value),
      `must have at most ${max} characters`,
    )
}

/** What of a person is shown beside what they wrote. */
export const author = z
  .object({
    user_id: id,
    username: z.string(),
    display_name: z.string(),
    avatar_url: z.string().nullable(),
  })
  .meta({ id: 'Author' })

const pixels = z.int().min(1)

/** A picture or a film as it is shown with a post. A film has no size, and no variants. */
export const media = z
  .object({
    id,
    content_type: z.string(),
    width: pixels.nullable(),
    height: pixels.nullable(),
    url: z.string(),
    variants: z.array(
      z.object({ name: z.string(), url: z.string(), width: pixels, height: pixels }),
    ),
  })
  .meta({ id: 'Media' })

const plainPost = z.object({
  id,
  user_id: id,
  author,
  content: z.string(),
  media: z.array(media),
  created_at: time,
  updated_at: time,
  like_count: count,
  comment_count: count,
})

/** The post that a share shares, the same for everybody who looks. */
export const sharedPost = plainPost.meta({ id: 'SharedPost' })

/**
 * `shared_post` is there on shares only, and null once that post was deleted. `liked` is there when
 * a token was shown. Either is left out when the database is away and the cache does not know.
 */
export const post = plainPost
  .extend({ shared_post: sharedPost.nullable().optional(), liked: z.boolean().optional() })
  .meta({ id: 'Post' })

export const newPost = z
  .strictObject({
    content: words(500),
    media_ids: z
      .array(id.toLowerCase())
      .max(4)
      .refine((ids) => new Set(ids).size === ids.length, 'must be different')
      .default([]),
  })
  .meta({ id: 'NewPost' })

export const postChange = z.strictObject({ content: words(500) }).meta({ id: 'PostChange' })

/** Without words, or with nothing but spaces, it is a plain repost. */
export const newShare = z
  .strictObject({
    content: anyWords(500)
      .transform((value) => (invisible.test(value) ? '' : value))
      .default(''),
  })
  .meta({ id: 'NewShare' })

export const newComment = z.strictObject({ content: words(200) }).meta({ id: 'NewComment' })

export const comment = z
  .object({ id, post_id: id, user_id: id, author, content: z.string(), created_at: time })
  .meta({ id: 'Comment' })

/** One page of comments, newest first. `next_cursor` is null on the last page. */
export const commentPage = z
  .object({ comments: z.array(comment), count, next_cursor: z.string().nullable() })
  .meta({ id: 'CommentPage' })

export const likeAnswer = z
  .object({ message: z.string(), like_count: count })
  .meta({ id: 'LikeAnswer' })

/** One page of posts. `count` is how many are on it; `next_cursor` is null on the last page. */
export const page = z
  .object({ posts: z.array(post), count, next_cursor: z.string().nullable() })
  .meta({ id: 'PostPage' })

const limit = z.coerce.number().int().min(1).max(50).default(pageSize)
const cursor = z.string().optional()

/** Of lists that are read by cursor only. */
export const pageQuery = z.object({ limit, cursor })

export const timelineQuery = z
  .object({
    limit,
    cursor,
    order: z.enum(['newest', 'ranked']).default('newest'),
    page: z.coerce.number().int().min(1).optional(),
  })
  .refine(({ page, cursor }) => page === undefined || cursor === undefined, {
    path: ['page'],
    message: 'cannot be combined with cursor',
  })
  .refine(({ page = 1, limit }) => page * limit <= deepest, {
    path: ['page'],
    message: `must end within the newest ${deepest} posts; go on by cursor`,
  })

export type Author = z.infer<typeof author>
export type Media = z.infer<typeof media>
export type NewPost = z.infer<typeof newPost>
export type PostChange = z.infer<typeof postChange>
export type NewShare = z.infer<typeof newShare>
export type NewComment = z.infer<typeof newComment>
export type PageQuery = z.infer<typeof pageQuery>
/** Of lists that can be read by number too. */
export type NumberedQuery = PageQuery & { page?: number | undefined }
export type TimelineQuery = z.infer<typeof timelineQuery>
