import { toProblem } from '@clew/kit/problem'
import type { Hono } from 'hono'
import type { Deps } from '../app.ts'
import { showMedia } from '../media.ts'
import { replyJson } from './reply.ts'
import type { Asking, Env } from './request.ts'

export function addUploadRoute(app: Hono<Env>, asking: Asking, { upload, events }: Deps): void {
  app.post('/api/media', async (c) => {
    const { userId } = await asking.require(c)
    try {
      const { media, again } = await upload(userId, c.env.incoming)
      if (again) events.uploadedAgain(media.id, userId)
      else events.uploaded(media.id, userId, media.content_type, media.bytes)
      return replyJson(showMedia(media), again ? 200 : 201)
    } catch (error) {
      events.uploadRefused(userId, toProblem(error).status)
      throw error
    }
  })
}
