import type { Hono } from 'hono'
import type { Deps } from '../app.ts'
import { showMedia } from '../media.ts'
import { noMedia } from '../store.ts'
import { replyJson, replyNothing } from './reply.ts'
import { type Asking, type Env, readMediaId } from './request.ts'

export function addMediaRoutes(app: Hono<Env>, asking: Asking, deps: Deps): void {
  const { store, removal, events } = deps

  app.get('/api/media/:id', async (c) => {
    const asker = await asking.allow(c)
    const media = await store.find(readMediaId(c))
    if (!media || (!media.posted && media.owner_id !== asker?.userId)) throw noMedia()
    return replyJson(showMedia(media))
  })

  app.delete('/api/media/:id', async (c) => {
    const { userId } = await asking.require(c)
    const id = readMediaId(c)
    await store.markDeleted(id, userId)
    events.deleted(id, userId)
    await removal.remove(id)
    return replyNothing()
  })
}
