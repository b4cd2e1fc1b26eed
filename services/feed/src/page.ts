import type { Liked } from './liked.ts'
import { type CachedPost, keysOf } from './post-text.ts'
import type { PostsCache } from './posts-cache.ts'

/** JSON text that is ready to send; `hit` when neither Postgres nor profile was needed for it. */
export type Page = { text: string; count: number; hit: boolean }
type Around = { viewer: string | undefined; next: string | null; hit: boolean }
type Originals = Map<string, CachedPost | null>
export type PageReader = ReturnType<typeof createPageReader>

/** Puts posts together with what is kept apart from them: what they share, and whether one likes them. */
export function createPageReader(postsCache: PostsCache, liked: Liked) {
  /** One post, as `viewer` sees it. */
  async function readPost(id: string, viewer: string | undefined): Promise<Page | undefined> {
    const { posts, hit } = await postsCache.readMany([id])
    const post = posts[0]
    if (!post) return undefined
    const beside = await readBeside([id], [post], viewer)
    const original = originalOf(post, beside.originals)
    if (isEmpty(post, original)) return undefined
    const text = joinPost(post, original, beside.liked?.[0])
    return { text, count: 1, hit: hit && beside.hit }
  }

  async function read(ids: string[], posts: CachedPost[], around: Around): Promise<Page> {
    const { originals, liked, hit } = await readBeside(ids, posts, around.viewer)
    let text = '{"posts":['
    let count = 0
    for (const [at, post] of posts.entries()) {
      const original = originalOf(post, originals)
      if (isEmpty(post, original)) continue
      if (count++ > 0) text += ','
      text += joinPost(post, original, liked?.[at])
    }
    const next = around.next === null ? 'null' : `"${around.next}"`
    text += `],"count":${count},"next_cursor":${next}}`
    return { text, count, hit: around.hit && hit }
  }

  /** At most one round trip. */
  async function readBeside(ids: string[], posts: CachedPost[], viewer: string | undefined) {
    const shared = listOriginals(posts)
    if (viewer === undefined || ids.length === 0) {
      const { posts: found, hit } = await postsCache.readMany(shared)
      return { originals: toOriginals(shared, found), liked: undefined, hit }
    }
    const beside = await liked.read(viewer, ids, keysOf(shared))
    if (shared.length === 0) return { originals: undefined, liked: beside.liked, hit: true }
    const { posts: found, hit } = await postsCache.receive(shared, beside.along)
    return { originals: toOriginals(shared, found), liked: beside.liked, hit }
  }

  return { read, readPost }
}

/** Those that did not come with the shares. */
function listOriginals(posts: CachedPost[]): string[] {
  const originals: string[] = []
  for (const { original, shared } of posts) {
    if (original && shared === undefined && !originals.includes(original)) originals.push(original)
  }
  return originals
}

function originalOf({ original, shared }: CachedPost, originals: Originals | undefined) {
  return shared ?? originals?.get(original ?? '')
}

function toOriginals(ids: string[], posts: (CachedPost | null)[]): Originals {
  return new Map(ids.map((id, at) => [id, posts[at] ?? null]))
}

/** A share without words whose original is gone; the worker is about to delete it. */
function isEmpty(post: CachedPost, original: CachedPost | null | undefined): boolean {
  return post.original !== undefined && !original && post.body.includes('"content":"",')
}

/**
 * A post as JSON, joined of ready pieces: nothing is parsed or written anew.
 * @param original what it shares; nothing when that is gone, or this is no share
 * @param liked whether who asks likes it; undefined when nobody is known to ask
 */
export function joinPost(
  post: CachedPost,
  original: CachedPost | null | undefined,
  liked: boolean | undefined,
): string {
  let text = post.body
  if (post.original !== undefined) {
    text += original ? `,"shared_post":${original.body}${joinCounts(original)}}` : noOriginal
  }
  text += joinCounts(post)
  if (liked === undefined) return `${text}}`
  return text + (liked ? ',"liked":true}' : ',"liked":false}')
}

const noOriginal = ',"shared_post":null'

function joinCounts({ likes, comments }: CachedPost): string {
  return `,"like_count":${likes},"comment_count":${comments}`
}
