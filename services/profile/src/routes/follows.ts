import { Problem } from '@clew/kit/problem'
import { parse } from '@clew/kit/validate'
import type { Context, Hono } from 'hono'
import type { Deps } from '../app.ts'
import { readCursor, writeCursor } from '../position.ts'
import { type PageQuery, pageQuery, pageSize } from '../schemas.ts'
import { nobody } from '../store.ts'
import { replyCached, replyJson } from './reply.ts'
import { type Asking, type Env, readPerson } from './request.ts'

export function addFollowRoutes(app: Hono<Env>, asking: Asking, deps: Deps): void {
  const { store, cache, events } = deps

  app.post('/api/users/:id/follow', async (c) => {
    const { userId } = await asking.require(c)
    const id = readPerson(c)
    if (id === userId) throw new Problem(400, 'Nobody can follow themselves.')
    const follow = await store.follow(userId, id)
    await cache.dropFollow(userId, id)
    events.followed(follow)
    return replyJson(follow, 201)
  })

  app.delete('/api/users/:id/follow', async (c) => {
    const { userId } = await asking.require(c)
    const id = readPerson(c)
    await store.unfollow(userId, id)
    await cache.dropFollow(userId, id)
    events.unfollowed(userId, id)
    return replyJson({ message: 'You no longer follow this person.' })
  })

  app.get('/api/users/:id/followers', (c) => list(c, 'followers'))
  app.get('/api/users/:id/following', (c) => list(c, 'following'))

  async function list(c: Context<Env>, kind: 'followers' | 'following'): Promise<Response> {
    await asking.allow(c)
    const id = readPerson(c)
    const query = parse(pageQuery, c.req.query())
    const load = () => loadPage(kind, id, query)
    const usual = query.cursor === undefined && query.limit === pageSize
    const { text, from } = usual
      ? await cache.list(kind, id, load)
      : { text: await load(), from: 'miss' as const }
    if (text === undefined) throw nobody()
    return replyCached(text, from)
  }

  async function loadPage(
    kind: 'followers' | 'following',
    id: string,
    { limit, cursor }: PageQuery,
  ): Promise<string | undefined> {
    const read = kind === 'followers' ? store.listFollowers : store.listFollowing
    const list = `${kind}:${id}`
    const after = cursor === undefined ? undefined : readCursor(list, cursor)
    const { profiles, next } = await read(id, { limit, after })
    if (profiles.length === 0 && !(await store.findProfile(id))) return undefined
    events.listed(kind, profiles.length)
    const next_cursor = next ? writeCursor(list, next) : null
    return JSON.stringify({ profiles, count: profiles.length, next_cursor })
  }
}
