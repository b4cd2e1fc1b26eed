import { startOneService } from '@clew/tests/one-service'
import { v7 as uuid } from 'uuid'

export { type Answer, waitUntil } from '@clew/tests/one-service'

export type Person = { id: string; username: string; token: string }
export type Service = Awaited<ReturnType<typeof startService>>

/** The whole service as a process, over a database, a Redis and neighbours of its own. */
export async function startService({ redisUser = 'profile' } = {}) {
  const service = await startOneService('profile', { redisUser })
  return {
    ...service,
    /** Somebody who has registered: a profile and a token. */
    async person(username = `p${uuid().slice(-8)}`): Promise<Person> {
      const id = uuid()
      const created_at = new Date().toISOString()
      const body = { user_id: id, username, created_at }
      const { status } = await service.ask('POST', '/internal/profiles', { body })
      if (status !== 201) throw new Error(`no profile for ${username}: ${status}`)
      return { id, username, token: await service.auth.sign({ sub: id }) }
    },
  }
}
