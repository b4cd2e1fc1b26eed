import { hash } from '@node-rs/bcrypt'
import type pg from 'pg'
import { createClient } from './client.ts'
import { chooseTwo, learn } from './known.ts'
import { password } from './login.ts'
import type { Person, Plan } from './plan.ts'
import { arePresent } from './present.ts'
import { PopulationRefusal } from './refusal.ts'
import { fillAuth, fillFeed, fillProfile } from './tables.ts'

/** Addresses for the role that owns the tables, whom row-level security does not bind. */
export type Databases = { auth: string; profile: string; feed: string }
export type WriteOptions = {
  /** As FEED_CELEBRITY_FOLLOWERS: with more followers than this, posts are merged at read. */
  celebrityFollowers?: number
  /** Hears that none of these people is there, and that they are being written. */
  begun?: () => void
}
export type Written = {
  people: number
  follows: number
  posts: number
  likes: number
  comments: number
  /** Who has the most followers. */
  bestKnown: Person
  /** The first of the others. */
  somebody: Person
}

type Clients = Record<keyof Databases, pg.Client>

const cost = 10
// Any number: two who write at once take turns.
const lock = 7_302_512
const uniqueViolation = '23505'

/**
 * Writes a population straight into the databases of auth, profile and feed, all three at once, each
 * in one transaction. Auth commits last, so whoever can log in has the rest as well. Nothing goes
 * through the services: there are no events, and no cache knows these people yet.
 * Undefined when all of these people are there already; nothing is changed then.
 * @throws PopulationRefusal when only some are, or others have their names; nothing is changed then
 */
export async function writePopulation(
  plan: Plan,
  databases: Databases,
  { celebrityFollowers = 5_000, begun }: WriteOptions = {},
): Promise<Written | undefined> {
  await using stack = new AsyncDisposableStack()
  const { auth, profile, feed } = await connect(databases, stack)
  // Foreign keys need no looking up: the plan names people and posts by their place in it.
  const begin = 'begin; set local session_replication_role = replica'
  await Promise.all([auth, profile, feed].map((client) => client.query(begin)))
  await auth.query('select pg_advisory_xact_lock($1)', [lock])
  if (await arePresent(auth, plan.people)) return undefined
  begun?.()

  const known = learn(plan)
  await whole([
    hash(password, { cost }).then((hashed) => fillAuth(auth, plan, hashed)),
    fillProfile(profile, plan, known),
    fillFeed(feed, plan, known, celebrityFollowers),
  ])
  for (const client of [feed, profile, auth]) await client.query('commit')
  // For the planner, and so that an index alone can answer.
  await whole([
    auth.query('vacuum (analyze) users'),
    profile.query('vacuum (analyze) profiles, follows'),
    feed.query('vacuum (analyze) authors, posts, likes, comments'),
  ])
  return { ...lengths(plan), ...chooseTwo(plan, known) }
}

/** Closing a connection before its commit takes back what it wrote. */
async function connect(databases: Databases, stack: AsyncDisposableStack): Promise<Clients> {
  const open = async (url: string) => {
    const client = createClient(url)
    stack.defer(() => client.end())
    await client.connect()
    return client
  }
  const [auth, profile, feed] = await Promise.all([
    open(databases.auth),
    open(databases.profile),
    open(databases.feed),
  ])
  return { auth, profile, feed }
}

/** Waits for all of them, then fails if one has. */
async function whole(works: Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(works)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) throw explain(failed.reason)
}

function explain(error: unknown): unknown {
  const { code, detail } = error as { code?: string; detail?: string }
  if (code !== uniqueViolation) return error
  return new PopulationRefusal(`Somebody or something of these is there already: ${detail}`, {
    cause: error,
  })
}

function lengths({ people, follows, posts, likes, comments }: Plan) {
  return {
    people: people.length,
    follows: follows.length,
    posts: posts.length,
    likes: likes.length,
    comments: comments.length,
  }
}
