import type { Asking } from './feed-load.ts'
import { askTimeline, type User } from './feed-world.ts'
import { loadAverage } from './load-average.ts'
import type { Answered, Askings } from './media-driver.ts'
import { countUnmade, type MediaWorld, untilMade, upload } from './media-world.ts'
import { percentile } from './percentile.ts'
import { medianWithInterval } from './ratio.ts'
import type { Row } from './row.ts'

const photos = 50
const perSecond = 200
const readers = 8
const messagesEach = 10

type Times = { times: number[]; late: number[] }

/**
 * How long timelines and message histories take while variants of 50 photos of 12 megapixels are
 * made, against when nothing else happens, in interleaved blocks. Uploading is no part of it: the
 * worker is stopped until all photos are there.
 */
export async function benchThumbnails(
  quick: boolean,
  world: MediaWorld,
  some: Buffer[],
): Promise<Row[]> {
  const askings = await prepareReaders(world)
  const ask = (seconds: number, name: string) =>
    world.driver.ask<Answered>('ask', {
      ...{ origin: world.platform.urls.gateway, askings, amount: seconds * perSecond, perSecond },
      seed: `thumbnails.${name}`,
    } satisfies Askings)
  await ask(10, 'warm')
  let seconds = 10
  const idle = async (name: string): Promise<Times> => {
    const { times, late } = await ask(seconds, name)
    return { times: [...times], late: [...late] }
  }
  const rest = world.users.values()
  const busy = async (name: string): Promise<Times> => {
    await world.platform.stop('media-worker')
    for (let at = 0; at < some.length; at++) {
      await world.driver.ask('load', { bytes: some[at] })
      const share = Math.floor((photos + at) / some.length)
      const owners = Array.from({ length: share }, () => rest.next().value).filter((user) => !!user)
      await upload(world, owners, 2)
    }
    await world.platform.start('media-worker')
    const all: Times = { times: [], late: [] }
    // Second by second, for as long as there is something to make.
    for (seconds = 0; (await countUnmade(world.platform)) > 0; seconds++) {
      const { times, late } = await ask(1, `${name}.${seconds}`)
      all.times.push(...times)
      all.late.push(...late)
    }
    if (seconds < 2) throw new Error('the photos were made at once: the run is void')
    return all
  }
  const pairs: [Times, Times][] = []
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    const [a1, b1] = [await idle(`${round}a`), await busy(`${round}b`)]
    const [b2, a2] = [await busy(`${round}c`), await idle(`${round}d`)]
    pairs.push([a1, b1], [a2, b2])
  }
  await untilMade(world.platform)
  return describe(pairs, seconds)
}

/** People whose timelines are full, and who have written to each other. */
async function prepareReaders({ platform, users }: MediaWorld): Promise<Asking[]> {
  const askings: Asking[] = []
  for (let place = 0; place < readers; place += 2) {
    const [one, other] = [users[place] as User, users[place + 1] as User]
    let conversation = ''
    for (let count = 0; count < messagesEach; count++) {
      conversation = await write(platform.urls.gateway, one, other)
      await write(platform.urls.gateway, other, one)
    }
    for (const user of [one, other]) {
      const history: Asking = {
        method: 'GET',
        path: `/api/messages/${conversation}`,
        token: user.token,
      }
      askings.push(askTimeline(user), history)
    }
  }
  return askings
}

async function write(gateway: string, { token }: User, { id }: User): Promise<string> {
  const client_id = `bench.${Math.random()}`
  const answer = await fetch(`${gateway}/api/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ to: id, body: 'Did you see the photos of last night?', client_id }),
  })
  if (answer.status !== 201) throw new Error(`a message answered ${answer.status}`)
  return ((await answer.json()) as { conversation_id: string }).conversation_id
}

function describe(pairs: [Times, Times][], seconds: number): Row[] {
  const row = (name: string, value: number, unit: string): Row => ({
    name: `API at ${perSecond}/s while ${photos} photos are made: ${name}`,
    value,
    unit,
    better: 'lower',
  })
  const [idle = [], busy = []] = [0, 1].map((side) =>
    pairs.flatMap((pair) => pair[side]?.times ?? []),
  )
  const late = pairs.flatMap(([a, b]) => [...a.late, ...b.late])
  const p99 = medianWithInterval(
    pairs.map(([a, b]) => percentile(b.times, 0.99) / percentile(a.times, 0.99)),
  )
  const interval = `95 % ${p99.low.toFixed(2)} to ${p99.high.toFixed(2)}`
  return [
    { ...row(`p99 / without (${interval})`, p99.median, ''), aim: 1.3 },
    row('p99 / without, of all requests', percentile(busy, 0.99) / percentile(idle, 0.99), ''),
    ...[0.5, 0.9, 0.99].map((share) =>
      row(
        `p${share * 100} (without ${percentile(idle, share).toFixed(1)})`,
        percentile(busy, share),
        'ms',
      ),
    ),
    row('of this the driver was late, p99', percentile(late, 0.99), 'ms'),
    row('time it takes to make them', seconds, 's'),
    loadAverage('thumbnails'),
  ]
}
