import type { Handler } from '@clew/kit/bus'
import type { Making } from './making.ts'
import type { Refresh } from './refresh.ts'
import type { Uses } from './uses.ts'
import { mediaFact, postCreated, postDeleted } from './worker-schemas.ts'

type Handlers = Record<string, Handler>

/** The rest of the work of whoever uploaded: children of their traces. */
export function createPictureHandlers(making: Making): Handlers {
  return {
    'media.uploaded': {
      relation: 'child',
      handle: (payload: unknown) => making.make(mediaFact.parse(payload).media_id),
    },
  }
}

/** What follows for the gateway's cache when something was deleted, or is private again. */
export function createCacheHandlers(refresh: Refresh, relation: Handler['relation']): Handlers {
  const refreshed: Handler = {
    relation,
    handle: (payload: unknown) => refresh(mediaFact.parse(payload).media_id),
  }
  return { 'media.deleted': refreshed, 'media.hidden': refreshed }
}

/** What follows for media from what becomes of posts: links. */
export function createFeedHandlers(uses: Uses): Handlers {
  return {
    'post.created': {
      relation: 'link',
      handle: (payload: unknown) => uses.confirm(postCreated.parse(payload)),
    },
    'post.deleted': {
      relation: 'link',
      handle: (payload: unknown) => uses.withdraw(postDeleted.parse(payload).post_id),
    },
  }
}
