import { readCursor, writeCursor } from '@clew/kit/cursor'
import type { Metrics } from '@clew/telemetry/statsd'
import { runUntraced } from '@clew/telemetry/untraced'
import type { ReadIds } from './list-reader.ts'
import type { ListKind, Lists } from './lists.ts'
import type { Page, PageReader } from './page.ts'
import type { CachedPost } from './post-text.ts'
import type { PostsCache } from './posts-cache.ts'
import type { NumberedQuery, PageQuery } from './schemas.ts'

export type Timeline = ReturnType<typeof createTimeline>
type Deps = {
  lists: Lists
  readIds: ReadIds
  postsCache: PostsCache
  pages: PageReader
  metrics: Metrics
}

/** Posts newest first: those of the people somebody follows, and those of one author. */
export function createTimeline({ lists, readIds, postsCache, pages, metrics }: Deps) {
  /** What those say whom this person follows, and the person. @throws Problem 400 or 503 */
  async function newest(reader: string, query: NumberedQuery) {
    const page = await read('timeline', reader, reader, query)
    metrics.count('timeline.size', {}, page.count)
    return page
  }

  /** What one person says, as `viewer` sees it. @throws Problem 400 or 503 */
  function byAuthor(author: string, viewer: string | undefined, query: PageQuery): Promise<Page> {
    return read('author', author, viewer, query)
  }

  async function read(
    kind: ListKind,
    id: string,
    viewer: string | undefined,
    { limit, cursor, page = 1 }: NumberedQuery,
  ): Promise<Page> {
    const list = `${kind}:${id}`
    const below = cursor === undefined ? undefined : readCursor(list, cursor)
    // One post more than asked for tells whether there is another page.
    const found = await collect(kind, id, below, (page - 1) * limit, limit + 1)
    const last = found.ids.length > limit ? found.ids[limit - 1] : undefined
    return pages.read(found.ids.slice(0, limit), found.posts.slice(0, limit), {
      viewer,
      next: last === undefined ? null : writeCursor(list, last),
      hit: found.hit,
    })
  }

  /** Reads on for as long as posts turn out to be deleted, and takes those out of the list. */
  async function collect(
    kind: ListKind,
    id: string,
    below: string | undefined,
    offset: number,
    count: number,
  ) {
    const all = { ids: [] as string[], posts: [] as CachedPost[], hit: true }
    let place = { below, offset, count }
    for (;;) {
      const { ids, hit } = await readIds(kind, id, place)
      const found = await postsCache.readMany(ids)
      const gone: string[] = []
      for (const [at, post] of found.posts.entries()) {
        const postId = ids[at] ?? ''
        if (!post) gone.push(postId)
        else {
          all.ids.push(postId)
          all.posts.push(post)
        }
      }
      all.hit &&= hit && found.hit
      if (gone.length === 0) return all
      void runUntraced(() => lists.remove(kind, id, gone)).catch(() => {})
      if (ids.length < place.count || all.ids.length === count) return all
      place = { below: ids.at(-1), offset: 0, count: count - all.ids.length }
    }
  }

  return { newest, byAuthor }
}
