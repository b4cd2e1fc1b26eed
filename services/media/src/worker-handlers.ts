import type { Handler } from '@clew/kit/bus'
import type { Making } from './making.ts'
import type { Refresh } from './refresh.ts'
import type { Uses } from './uses.ts'
import { mediaFact, postCreated, postDeleted } from './worker-schemas.ts'

type Handlers = Record<string, Handler>

/** The rest of the work of whoever uploaded, deleted or hid something: children of their traces. */
export function createMediaHandlers(making: Making, refresh: Refresh): Handlers {
  const refreshed: Handler = {
    relation: 'child',
    handle: (payload: unknown) => refresh(mediaFact.parse(payload).media_id),
  }
  return {
    'media.uploaded': {
      relation: 'child',
      handle: (payload: unknown) => making.make(mediaFact.parse(payload).media_id),
    },
    'media.deleted': refreshed,
    'media.hidden': refreshed,
  }
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
