import type { CachedPost } from './posts-cache.ts'

/**
 * A post as JSON, joined of ready pieces: nothing is parsed or written anew.
 * @param original what it shares; null when that is gone, undefined when it is no share
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
