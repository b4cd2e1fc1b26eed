import type { Platform } from '@clew/launcher/platform'
import { type Dispatcher, Pool } from 'undici'
import { v7 as uuid } from 'uuid'
import { queryDatabase } from './database.ts'

export type Route = 'profile read, cached' | 'follow'
/** Sends `amount` requests of one route. @throws Error when an answer was not the expected one */
export type Load = (route: Route, amount: number) => Promise<void>

const connections = 8

type Aim = Dispatcher.RequestOptions & { expected: number }
type Follower = { id: string; token: string; targets: string[] }

/** People to be followed and to follow; each connection is a follower of its own, so none waits for another's row. */
export async function prepareLoad(platform: Platform, targets: number): Promise<Load> {
  const followers = await Promise.all(
    Array.from({ length: connections }, () => register(platform.urls.gateway)),
  )
  const people = await insertPeople(platform, targets)
  for (const follower of followers) follower.targets = [...people]
  const aims: Record<Route, (connection: number) => Aim> = {
    'profile read, cached': () => ({
      method: 'GET',
      path: `/api/users/${people[0]}`,
      expected: 200,
    }),
    follow: (connection) => ({
      method: 'POST',
      path: `/api/users/${followers[connection]?.targets.pop()}/follow`,
      headers: { authorization: `Bearer ${followers[connection]?.token}` },
      expected: 201,
    }),
  }
  return (route, amount) => send(platform.urls.gateway, amount, aims[route])
}

/** Each connection sends its next request when the last was answered, until `amount` were sent. */
async function send(origin: string, amount: number, aim: (connection: number) => Aim) {
  const pool = new Pool(origin, { connections })
  let left = amount
  const work = async (connection: number) => {
    while (left-- > 0) {
      const { expected, ...request } = aim(connection)
      const answer = await pool.request(request)
      await answer.body.dump()
      if (answer.statusCode === expected) continue
      throw new Error(
        `${request.method} ${request.path} answered ${answer.statusCode}: the run is void`,
      )
    }
  }
  const workers = Array.from({ length: connections }, (_, connection) => work(connection))
  await Promise.all(workers).finally(() => pool.destroy())
}

async function register(origin: string): Promise<Follower> {
  const username = `bench_${uuid().slice(-12)}`
  const answer = await fetch(`${origin}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      email: `${username}@bench.test`,
      username,
      password: `long enough ${username}`,
    }),
  })
  if (answer.status !== 201) throw new Error(`registration answered ${answer.status}`)
  const { user, token } = (await answer.json()) as { user: { id: string }; token: string }
  return { id: user.id, token, targets: [] }
}

async function insertPeople(platform: Platform, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => uuid())
  await queryDatabase(
    platform,
    'profile',
    `insert into profiles (id, username, display_name, created_at)
     select id, 'target_' || n, 'Target ' || n, now() from unnest($1::uuid[]) with ordinality as t (id, n)`,
    [ids],
  )
  return ids
}
