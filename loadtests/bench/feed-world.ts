import { type Platform, startPlatform, type TelemetryMode } from '@clew/launcher/platform'
import { emailOf, password } from '@clew/population/login'
import type { Person, Plan } from '@clew/population/plan'
import { writePopulation } from '@clew/population/write'
import { databasesOf, queryDatabase } from './database.ts'
import type { Asking } from './feed-load.ts'
import { celebrityFollowers, composers, planExact, readers } from './feed-plan.ts'

/** Somebody who is logged in. */
export type User = { id: string; token: string }
/** A platform of one telemetry mode, with the exact graph in it. */
export type World = {
  mode: TelemetryMode
  platform: Platform
  /** Everybody of the plan, by place. */
  people: Person[]
  /** By how many they follow, as in `followees`. */
  readers: User[]
  /** By how many follow them, as in `followers`. */
  composers: User[]
}

/** What a platform is given to be measured. */
export const environment = {
  AUTH_RATE_LOGIN_ADDRESS: '1000000',
  // On a busy machine an answer of Redis may be late; going without it is another measurement.
  CLEW_REDIS_PATIENCE_MS: '2000',
}

/** Whoever starts a world ends its platform. Its state is kept under `name`. */
export async function startWorld(
  mode: TelemetryMode,
  portOffset: number,
  name: string = mode,
): Promise<World> {
  const platform = await startPlatform({
    telemetry: mode,
    portOffset,
    state: `.clew/bench/feed-${name}`,
    fresh: true,
    env: { ...environment, FEED_CELEBRITY_FOLLOWERS: String(celebrityFollowers) },
  })
  const plan = planExact()
  await populate(platform, plan)
  const people = [...plan.people]
  const world: World = { mode, platform, people, readers: [], composers: [] }
  await logInAgain(world)
  return world
}

/** Tokens last for 15 minutes, which all measurements together may take. */
export async function logInAgain(world: World): Promise<void> {
  const user = (place: number) => logIn(world.platform, world.people[place] as Person)
  world.readers = await Promise.all(readers.map(user))
  world.composers = await Promise.all(composers.map(user))
}

/** Writes a plan, and lets Postgres finish what it puts off, so that no measurement pays for it. */
export async function populate(platform: Platform, plan: Plan): Promise<void> {
  await writePopulation(plan, databasesOf(platform), { celebrityFollowers })
  await queryDatabase(platform, 'feed', 'checkpoint')
}

export async function logIn(platform: Platform, { id, username }: Person): Promise<User> {
  const answer = await fetch(`${platform.urls.gateway}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: emailOf(username), password }),
  })
  if (answer.status !== 200) throw new Error(`the login of ${username} answered ${answer.status}`)
  return { id, token: ((await answer.json()) as { token: string }).token }
}

export function askTimeline({ id, token }: User, query = ''): Asking {
  return { method: 'GET', path: `/api/timeline/${id}${query}`, token }
}

export function askToPost({ token }: User): Asking {
  const content = 'Written while measured, in about as many words as other posts have.'
  return { method: 'POST', path: '/api/posts', token, body: JSON.stringify({ content }) }
}
