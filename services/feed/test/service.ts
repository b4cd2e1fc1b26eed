import { Problem } from '@clew/kit/problem'
import { serve } from '@clew/tests/neighbours'
import { startOneService } from '@clew/tests/one-service'
import { v7 as uuid } from 'uuid'

export { type Answer, waitUntil } from '@clew/tests/one-service'

export type Person = { id: string; username: string; token: string }
export type Service = Awaited<ReturnType<typeof startService>>

/** The whole service as a process, over a database, a Redis and neighbours of its own. */
export async function startService({ redisUser = 'feed' } = {}) {
  const profile = await startProfile()
  const media = await startMedia()
  const env = { PROFILE_URL: profile.url, MEDIA_URL: media.url }
  const service = await startOneService('feed', { redisUser, env })
  return {
    ...service,
    profile,
    media,
    /** Somebody who has registered: a profile and a token. */
    async person(username = `p${uuid().slice(-8)}`): Promise<Person> {
      const id = uuid()
      profile.people.set(id, username)
      return { id, username, token: await service.auth.sign({ sub: id }) }
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await profile[Symbol.asyncDispose]()
      await media[Symbol.asyncDispose]()
    },
  }
}

/** A neighbour that speaks profile's contract: cards, and who follows whom. */
async function startProfile() {
  const people = new Map<string, string>()
  const following = new Map<string, string[]>()
  const asked: string[] = []
  let away = false
  const server = await serve(async (path) => {
    asked.push(path)
    if (away) throw new Error('away')
    const [, area, , id = '', what] = path.split('/')
    if (area === 'internal' && what === 'following') return { ids: following.get(id) ?? [] }
    const username = people.get(id)
    return (
      username && { user_id: id, username, display_name: `${username} by name`, avatar_url: null }
    )
  })
  return {
    ...server,
    /** Usernames by id. */
    people,
    /** Ids of those whom somebody follows, by id. */
    following,
    /** The paths that were asked for. */
    asked,
    /** From now on calls are broken off. */
    cut() {
      away = true
    },
    mend() {
      away = false
    },
  }
}

type Use = { post_id: string; user_id: string; media_ids: string[] }

/** A neighbour that speaks media's contract: what a post uses. */
async function startMedia() {
  const owners = new Map<string, string>()
  const failed = new Set<string>()
  const asked: Use[] = []
  const released: string[] = []
  let away = false
  const server = await serve(async (path, body) => {
    if (away) throw new Error('away')
    const [post] = /(?<=^\/internal\/media\/uses\/).+/.exec(path) ?? []
    if (post) {
      released.push(post)
      return {}
    }
    if (path !== '/internal/media/uses') return undefined
    const use: Use = JSON.parse(body)
    asked.push(use)
    const errors = use.media_ids.flatMap((id, at) => {
      const good = owners.get(id) === use.user_id && !failed.has(id)
      return good ? [] : [{ field: `media_ids.${at}`, message: 'cannot be used' }]
    })
    if (errors.length > 0) throw new Problem(422, 'Not all of these can be used.', { errors })
    return { media: use.media_ids.map((id) => describeMedia(id, use.user_id)) }
  })
  return {
    ...server,
    /** Uploads of this person; gives their ids. */
    upload(person: { id: string }, many = 1): string[] {
      const ids = Array.from({ length: many }, () => uuid())
      for (const id of ids) owners.set(id, person.id)
      return ids
    },
    /** Uploads that turned out to be broken. */
    failed,
    /** The calls, in order. */
    asked,
    /** Posts of which it was told that they were not stored. */
    released,
    /** From now on calls are broken off. */
    cut() {
      away = true
    },
    mend() {
      away = false
    },
  }
}

/** As media answers; more than is shown with a post. */
function describeMedia(id: string, user_id: string) {
  return {
    ...shownMedia(id),
    user_id,
    bytes: 1_000,
    status: 'processing',
    created_at: new Date().toISOString(),
    variants: shownMedia(id).variants.map((variant) => ({
      ...variant,
      content_type: 'image/webp',
    })),
  }
}

/** What a post shows of an upload. */
export function shownMedia(id: string) {
  return {
    id,
    content_type: 'image/jpeg',
    width: 4_000,
    height: 3_000,
    url: `/media/${id}/original`,
    variants: [
      { name: 'thumb', url: `/media/${id}/thumb`, width: 320, height: 240 },
      { name: 'card', url: `/media/${id}/card`, width: 1_280, height: 960 },
    ],
  }
}
