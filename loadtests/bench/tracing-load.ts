import type { Platform } from '@clew/launcher/platform'
import autocannon from 'autocannon'
import pg from 'pg'
import { v7 as uuid } from 'uuid'

export type Route = 'profile read, cached' | 'follow'
/** Sends `amount` requests of one route. @throws Error when an answer was not the expected one */
export type Load = (route: Route, amount: number) => Promise<void>

const connections = 8

type Follower = { id: string; token: string; targets: string[] }

/** People to be followed and to follow; each connection is a follower of its own, so none waits for another's row. */
export async function prepareLoad(platform: Platform, targets: number): Promise<Load> {
  const followers = await Promise.all(
    Array.from({ length: connections }, () => register(platform.urls.gateway)),
  )
  const people = await insertPeople(platform, targets)
  const read = `/api/users/${people[0]}`
  for (const follower of followers) follower.targets = [...people]
  return async (route, amount) => {
    if (route === 'follow') await follow(platform.urls.gateway, followers, amount)
    else await send({ url: platform.urls.gateway + read, connections, amount })
  }
}

async function follow(origin: string, followers: Follower[], amount: number) {
  let next = 0
  await send({
    url: origin,
    connections,
    amount,
    setupClient(client) {
      const follower = followers[next++ % followers.length] as Follower
      const aim = () =>
        client.setRequest({
          method: 'POST',
          path: `/api/users/${follower.targets.pop()}/follow`,
          headers: { authorization: `Bearer ${follower.token}` },
        })
      aim()
      client.on('response', aim)
    },
  })
}

async function send(options: autocannon.Options): Promise<void> {
  const result = await autocannon(options)
  if (result.non2xx + result.errors === 0) return
  throw new Error(
    `${result.non2xx} answers were not 2xx and ${result.errors} failed: the run is void`,
  )
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
  const client = new pg.Client({
    connectionString: `${platform.urls.postgres.replace(/\/[^/]*$/, '')}/profile`,
  })
  await client.connect()
  await client.query(
    `insert into profiles (id, username, display_name)
     select id, 'target_' || n, 'Target ' || n from unnest($1::uuid[]) with ordinality as t (id, n)`,
    [ids],
  )
  await client.end()
  return ids
}
