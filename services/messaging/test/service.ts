import { serve } from '@clew/tests/neighbours'
import { startOneService } from '@clew/tests/one-service'
import { v7 as uuid } from 'uuid'
import type { NewMessage } from '../src/schemas.ts'

export { type Answer, waitUntil } from '@clew/tests/one-service'

export type Person = { id: string; token: string }
export type Service = Awaited<ReturnType<typeof startService>>

/** The whole service as a process, over a database, a Redis and neighbours of its own. */
export async function startService({ redisUser = 'messaging', env = {} } = {}) {
  const profile = await startProfile()
  const service = await startOneService('messaging', {
    redisUser,
    env: { PROFILE_URL: profile.url, GATEWAY_URL: 'http://127.0.0.1:8080', ...env },
  })
  return {
    ...service,
    profile,
    /** Somebody who has registered: known to profile, with a token. */
    async person(): Promise<Person> {
      const id = uuid()
      profile.people.add(id)
      return { id, token: await service.auth.sign({ sub: id }) }
    },
    /** Sends a message from one person. */
    send(from: Person, message: Partial<NewMessage>) {
      const body = { body: 'hello', client_id: uuid(), ...message }
      return service.ask('POST', '/api/messages', { token: from.token, body })
    },
    /** A group that the first of them made. */
    async group(maker: Person, ...others: Person[]): Promise<string> {
      const body = { members: others.map(({ id }) => id), title: 'friends' }
      const path = '/api/messages/conversations'
      return (await service.ask('POST', path, { token: maker.token, body })).body.id
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await profile[Symbol.asyncDispose]()
    },
  }
}

/** A neighbour that speaks the part of profile's contract that is asked for here. */
async function startProfile() {
  const people = new Set<string>()
  const asked: string[][] = []
  let away = false
  const server = await serve(async (path, body) => {
    if (path !== '/internal/users/known') return undefined
    const { ids } = JSON.parse(body) as { ids: string[] }
    asked.push(ids)
    if (away) throw new Error('away')
    return { ids: ids.filter((id) => people.has(id)) }
  })
  return {
    ...server,
    /** Ids of those who exist. */
    people,
    /** What was asked for, question by question. */
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
