import { readJson } from '@clew/kit/body'
import { Problem } from '@clew/kit/problem'
import type { Hono } from 'hono'
import type { Deps } from '../app.ts'
import { newProfile, profileChange } from '../schemas.ts'
import { nobody } from '../store.ts'
import { replyCached, replyJson } from './reply.ts'
import { type Asking, type Env, readPerson } from './request.ts'

export function addProfileRoutes(app: Hono<Env>, asking: Asking, deps: Deps): void {
  const { store, cache, events } = deps

  app.get('/api/users/:id', async (c) => {
    await asking.allow(c)
    const id = readPerson(c)
    const { text, from } = await cache.profile(id, async () => {
      const profile = await store.findProfile(id)
      return profile && JSON.stringify(profile)
    })
    if (text === undefined) throw nobody()
    return replyCached(text, from)
  })

  app.post('/api/users/:id/profile', async (c) => {
    const { userId } = await asking.require(c)
    const id = readPerson(c)
    if (id !== userId) throw new Problem(403, 'Only the person themselves may change a profile.')
    const change = await readJson(c.env.incoming, profileChange)
    const profile = await store.updateProfile(id, change)
    await cache.dropProfile(id)
    events.profileUpdated(id)
    return replyJson(profile)
  })

  // For auth, when somebody registers. The gateway does not lead here.
  app.post('/internal/profiles', async (c) => {
    const person = await readJson(c.env.incoming, newProfile)
    const created = await deps.createProfile(person, 'call')
    if (created) return replyJson(created, 201)
    const existing = await store.findProfile(person.user_id)
    if (!existing) throw nobody()
    return replyJson(existing)
  })
}
