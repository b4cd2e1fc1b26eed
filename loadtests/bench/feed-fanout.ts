import { setTimeout as sleep } from 'node:timers/promises'
import { type Block, measureBlock, sumOf } from './blocks.ts'
import { whole } from './feed-curves.ts'
import { sendAll } from './feed-load.ts'
import { followers } from './feed-plan.ts'
import { type Admin, celebritiesKey, openAdmin, timelineKey } from './feed-redis.ts'
import { askTimeline, askToPost, type User, type World } from './feed-world.ts'
import { median } from './ratio.ts'
import type { Row } from './row.ts'

const many = 10_000
const few = 10
const longest = 800
const lifeMs = 1_200_000

/**
 * What a post costs all processes together for each follower whose timeline it is brought to: a post
 * to 10,000 against one to 10. All timelines are there and full, so each is pushed to and trimmed.
 */
export async function benchFanout(quick: boolean, worlds: World[]): Promise<Row[]> {
  const posts = quick ? 10 : 20
  const rounds = quick ? 2 : 4
  const rows: Row[] = []
  for (const world of worlds) {
    await using redis = await openAdmin(world.platform)
    const people = crowdOf(world)
    await fillTimelines(world, redis, people)
    const publish = async (author: User) => {
      await sendAll(world.platform.urls.gateway, posts, () => askToPost(author), 1)
      await untilDone(redis)
    }
    const [toFew, toMany] = [few, many].map((count) => world.composers[followers.indexOf(count)])
    if (!toFew || !toMany) throw new Error('there is no such author')
    for (const author of [toFew, toMany]) await publish(author)
    const pairs: [Block, Block][] = []
    for (let round = 0; round < rounds; round++) {
      const block = (author: User) => measureBlock(world.platform, posts, () => publish(author))
      pairs.push([await block(toFew), await block(toMany)])
    }
    await refuseUndone(redis, people, toMany)
    rows.push(...describe(world, pairs))
  }
  return rows
}

function crowdOf({ people }: World): string[] {
  return people.slice(-many).map(({ id }) => id)
}

/** Everybody gets a copy of one reader's list, which is full. */
async function fillTimelines({ platform, readers }: World, redis: Admin, people: string[]) {
  const reader = readers[0] as User
  await sendAll(platform.urls.gateway, 1, () => askTimeline(reader))
  const source = timelineKey(reader.id)
  const length = await redis.lLen(source)
  if (length < longest) throw new Error(`a list of ${length} is not full: the run is void`)
  for (let at = 0; at < people.length; at += 500) {
    const multi = redis.multi()
    for (const id of people.slice(at, at + 500)) {
      multi.copy(source, timelineKey(id), { REPLACE: true })
      multi.pExpire(timelineKey(id), lifeMs)
      multi.set(celebritiesKey(id), '', { PX: lifeMs })
    }
    await multi.execAsPipeline()
  }
}

/** Waits until the worker has taken every event and confirmed it. */
async function untilDone(redis: Admin): Promise<void> {
  for (let quiet = 0; quiet < 3; ) {
    await sleep(50)
    const groups = await redis.xInfoGroups('events:feed')
    const worker = groups.find(({ name }) => name === 'feed')
    quiet = worker?.pending === 0 && worker.lag === 0 ? quiet + 1 : 0
  }
}

/** @throws Error unless the newest entry of everybody's list is the same, and no old one */
async function refuseUndone(redis: Admin, people: string[], author: User): Promise<void> {
  const own = await redis.lIndex(timelineKey(author.id), 0)
  const heads = await Promise.all(people.map((id) => redis.lIndex(timelineKey(id), 0)))
  const missed = heads.filter((head) => head !== heads[0]).length
  if (missed > 0 || (own && own !== heads[0])) {
    throw new Error(`${missed} of ${people.length} timelines lack the newest post: the run is void`)
  }
}

function describe({ mode }: World, pairs: [Block, Block][]): Row[] {
  const each = (parts: string[]) =>
    median(pairs.map(([small, big]) => (sumOf(big, parts) - sumOf(small, parts)) / (many - few)))
  const row = (name: string, parts: string[]): Row => ({
    name: `fan-out to 10,000 followers, ${mode}: ${name}`,
    value: each(parts),
    unit: 'us/follower',
    better: 'lower',
  })
  return [
    { ...row('all processes', whole), aim: 3 },
    ...['redis', 'feed-worker', 'profile', 'postgres', 'feed', 'lens'].map((part) =>
      row(part, [part]),
    ),
  ]
}
