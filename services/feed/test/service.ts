import { serve } from '@clew/tests/neighbours'
import { startOneService } from '@clew/tests/one-service'
import { v7 as uuid } from 'uuid'

export { type Answer, waitUntil } from '@clew/tests/one-service'

export type Person = { id: string; username: string; token: string }
export type Service = Awaited<ReturnType<typeof startService>>

/** The whole service as a process, over a database, a Redis and neighbours of its own. */
export async function startService({ redisUser = 'feed' } = {}) {
  const profile = await startProfile()
  const service = await startOneService('feed', { redisUser, env: { PROFILE_URL: profile.url } })
  return {
    ...service,
    profile,
    /** Somebody who has registered: a profile and a token. */
    async person(username = `p${uuid().slice(-8)}`): Promise<Person> {
      const id = uuid()
      profile.people.set(id, username)
      return { id, username, token: await service.auth.sign({ sub: id }) }
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await profile[Symbol.asyncDispose]()
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
