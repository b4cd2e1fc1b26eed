import { setTimeout as sleep } from 'node:timers/promises'
import { type Platform, startPlatform } from '@clew/launcher/platform'
import { type Person, type Plan, planPopulation } from '@clew/population/plan'
import { createPicker, createRandom } from '@clew/population/random'
import { type Asking, type Got, sendAll } from './feed-load.ts'
import { askTimeline, askToPost, environment, logIn, populate, type User } from './feed-world.ts'
import type { Row } from './row.ts'

const caches = ['timeline', 'author', 'post', 'counts', 'liked']

/**
 * How often the caches have what is asked for, with the mix of DeathStarBench's social network: 60 home
 * timelines, 30 of one author, 10 posts. Who reads and who is read follows Zipf's law with exponent 1.
 */
export async function benchHits(quick: boolean, portOffset: number): Promise<Row[]> {
  await using platform = await startPlatform({
    portOffset,
    state: '.clew/bench/feed-hits',
    fresh: true,
    env: environment,
  })
  const plan = planPopulation({
    people: quick ? 200 : 1_000,
    posts: quick ? 20_000 : 100_000,
    shape: 'reed98',
    seed: 'hits',
    until: new Date(),
  })
  await populate(platform, plan)
  const next = createMix(await logInAll(platform, rank(plan)))
  const amount = quick ? 5_000 : 20_000
  const cold = await sendAll(platform.urls.gateway, amount, next)
  const before = await readCounters(platform)
  const warm = await sendAll(platform.urls.gateway, amount, next)
  const after = await readCounters(platform)
  const say = (count: number) => count.toLocaleString('en')
  const of = `${say(plan.people.length)} people, ${say(plan.posts.length)} posts`
  const row = (name: string, value: number): Row => ({ name, value, unit: '', better: 'higher' })
  return [
    { ...row(`pages that were hits, by X-Cache (${of}), once warm`, shareOf(warm)), aim: 0.95 },
    row(`the same, the first ${say(amount)} requests after a start`, shareOf(cold)),
    ...caches.map((cache) =>
      row(`by StatsD, cache ${cache}, once warm`, shareBetween(before, after, cache)),
    ),
  ]
}

/** The best known first. */
function rank({ people, follows }: Plan): Person[] {
  const followers = new Map<number, number>()
  for (const { followed } of follows) followers.set(followed, (followers.get(followed) ?? 0) + 1)
  return [...people]
    .map((person, place) => ({ person, count: followers.get(place) ?? 0 }))
    .toSorted((one, other) => other.count - one.count)
    .map(({ person }) => person)
}

async function logInAll(platform: Platform, people: Person[]): Promise<User[]> {
  const users: User[] = []
  let next = 0
  const work = async () => {
    while (next < people.length) {
      const place = next++
      users[place] = await logIn(platform, people[place] as Person)
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return users
}

function createMix(users: User[]): () => Asking {
  const random = createRandom('bench', 'mix')
  const someone = createPicker(
    Float64Array.from(users, (_, place) => 1 / (place + 1)),
    random,
  )
  return () => {
    const user = users[someone()] as User
    const drawn = random.fraction()
    if (drawn < 0.1) return askToPost(user)
    if (drawn < 0.7) return askTimeline(user)
    return { method: 'GET', path: `/api/posts/user/${users[someone()]?.id}`, token: user.token }
  }
}

function shareOf({ hits, pages }: Got): number {
  return hits / pages
}

type Counters = Map<string, number>

/** Hits and misses by cache, as `hit timeline`, from the metrics that lens shows to Prometheus. */
async function readCounters({ urls }: Platform): Promise<Counters> {
  await sleep(2_000)
  const text = await (await fetch(urls.metrics)).text()
  const counters: Counters = new Map()
  for (const [, outcome, labels, value] of text.matchAll(
    /^feed_service_cache_(hit|miss)_total\{(.*)\} (\S+)$/gm,
  )) {
    const name = `${outcome} ${/\bcache="(\w+)"/.exec(labels ?? '')?.[1]}`
    counters.set(name, (counters.get(name) ?? 0) + Number(value))
  }
  return counters
}

function shareBetween(before: Counters, after: Counters, cache: string): number {
  const [hits = 0, misses = 0] = ['hit', 'miss'].map((outcome) => {
    const name = `${outcome} ${cache}`
    return (after.get(name) ?? 0) - (before.get(name) ?? 0)
  })
  return hits / (hits + misses)
}
