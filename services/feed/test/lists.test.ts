import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openRedis, type Redis } from '@clew/kit/redis'
import { eventually } from '@clew/kit/test/eventually'
import { openLink } from '@clew/tests/cuttable-link'
import { openTestRedis } from '@clew/tests/service-database'
import { createClient, type RedisClientType } from 'redis'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createListWriter } from '../src/list-writer.ts'
import { createLists, type ListKind, type Lists } from '../src/lists.ts'
import { removeKeys } from '../src/posts-writer.ts'
import { fromRaw, toRaw } from '../src/raw-ids.ts'
import { createListModel, newestFirst } from './list-model.ts'
import { createRandom } from './random.ts'

// Read when the module is: on a busy machine an answer can take more than the usual 50 ms.
vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '5000'
})

const stack = new AsyncDisposableStack()
const log = createLogger('feed')
let link: Awaited<ReturnType<typeof openLink>>
let redis: Redis
let inspect: RedisClientType
let lists: Lists

beforeAll(async () => {
  const { url } = stack.use(await openTestRedis('feed'))
  const through = new URL(url)
  link = stack.use(await openLink(Number(through.port)))
  through.port = String(link.port)
  redis = stack.use(await openRedis(through.href))
  inspect = createClient({ url })
  await inspect.connect()
  stack.defer(() => inspect.destroy())
  lists = createLists(redis, createOverdue(redis, log, removeKeys))
})
afterAll(() => stack.disposeAsync())

/** Ids as time makes them, newest first. */
function makeIds(count: number): string[] {
  return newestFirst(Array.from({ length: count }, () => uuid()))
}

async function build(
  id: string,
  ids: string[],
  { kind = 'timeline' as ListKind, end = true, celebrities = [] as string[], crowded = false } = {},
): Promise<void> {
  const token = await lists.claim(kind, id)
  if (!token) throw new Error('not claimed')
  await lists.fill(kind, id, token, ids, end, celebrities, crowded)
}

/** The newest id that any timeline may hold. */
async function setAhead(id: string): Promise<void> {
  await inspect.set('feed:ahead', Buffer.concat([toRaw([id]), Buffer.from('any')]))
}

/** The id of somebody whose lists reads carry on for so many seconds at most. */
function idEndingIn(seconds: number): string {
  const rest = (((-seconds - Math.floor(Date.now() / 1000)) % 1_800) + 1_800) % 1_800
  return uuid().slice(0, 30) + rest.toString(16).padStart(6, '0')
}

async function readIds(id: string, count = 900, kind: ListKind = 'timeline'): Promise<string[]> {
  return (await lists.read(kind, id, { offset: 0, count }))?.ids ?? []
}

describe('a list', () => {
  test('that was never built is a miss, and an empty one is not', async () => {
    const id = uuid()
    const query = { offset: 0, count: 21 }
    expect(await lists.read('timeline', id, query)).toEqual({
      ids: [],
      complete: false,
      known: false,
      coldCelebrities: [],
    })
    await build(id, [])
    expect(await lists.read('timeline', id, query)).toMatchObject({ ids: [], complete: true })
  })

  test('holds 16 bytes an id: one of 800 takes less than 16 KB', async () => {
    const [id, ids] = [uuid(), makeIds(810)]
    await build(id, ids.slice(10))
    for (const newer of ids.slice(0, 10).reverse()) await lists.pushOwn('timeline', id, newer)
    expect(await readIds(id, 800)).toEqual(ids.slice(0, 800))
    expect(await inspect.memoryUsage(`feed:timeline:${id}`)).toBeLessThan(16 * 1024)
  })

  test('is cut to 801 ids now and then, and then does not claim to be all there is', async () => {
    const [id, ids] = [uuid(), makeIds(817)]
    await build(id, ids.slice(16))
    expect(await lists.read('timeline', id, { offset: 790, count: 20 })).toMatchObject({
      ids: ids.slice(806),
      complete: true,
    })
    for (const newer of ids.slice(1, 16).reverse()) await lists.pushOwn('timeline', id, newer)
    expect(await readIds(id)).toEqual(ids.slice(1))
    await lists.pushOwn('timeline', id, ids[0] as string)
    expect(await inspect.lLen(`feed:timeline:${id}`)).toBe(801)
    expect(await lists.read('timeline', id, { offset: 790, count: 20 })).toMatchObject({
      ids: ids.slice(790, 801),
      complete: false,
    })
  })

  test('stays sorted and without duplicates, however late a push comes', async () => {
    const [id, ids] = [uuid(), makeIds(40)]
    await build(id, ids.slice(10, 20))
    const random = createRandom(1)
    const shuffled = [...ids, ...ids].sort(() => random.pick(3) - 1)
    for (const post of shuffled) await lists.pushOwn('timeline', id, post)
    expect(await readIds(id)).toEqual(ids)
  })

  test('that was trimmed takes nothing older than its last: what lies between is unknown', async () => {
    const [id, ids] = [uuid(), makeIds(30)]
    await build(id, ids.slice(0, 20), { end: false })
    await lists.pushOwn('timeline', id, ids[25] as string)
    expect(await readIds(id)).toEqual(ids.slice(0, 20))
  })

  test('goes on below an id that is not in it, at any depth', async () => {
    const [id, ids] = [uuid(), makeIds(800)]
    const kept = ids.filter((_, at) => at % 2 === 0)
    await build(id, kept)
    for (const at of [0, 1, 77, 400, 797, 798, 799]) {
      const slice = await lists.read('timeline', id, { below: ids[at], offset: 0, count: 5 })
      expect(slice?.ids).toEqual(kept.filter((post) => post < (ids[at] as string)).slice(0, 5))
      expect(slice?.complete).toBe(true)
    }
  })

  test('lives on by being read, not by being pushed to', async () => {
    const [id, ids] = [idEndingIn(1_000), makeIds(2)]
    await build(id, ids.slice(1))
    const keys = [`feed:timeline:${id}`, `feed:celebrities:${id}`]
    const lives = () => Promise.all(keys.map((key) => inspect.pTTL(key)))
    for (const left of await lives()) expect(left).toBeGreaterThan(260_000)
    for (const key of keys) await inspect.pExpire(key, 100_000)
    await lists.pushOwn('timeline', id, ids[0] as string)
    for (const left of await lives()) expect(left).toBeLessThanOrEqual(100_000)
    await readIds(id)
    for (const left of await lives()) expect(left).toBeGreaterThan(260_000)
  })

  test('is built anew every half hour, however often it is read, by whichever way', async () => {
    const [id, star, fan] = [idEndingIn(150), idEndingIn(100), idEndingIn(1_000)]
    await build(id, makeIds(2))
    await build(star, makeIds(2), { kind: 'author' })
    await build(fan, makeIds(2), { celebrities: [star] })
    const keys = [`feed:timeline:${id}`, `feed:celebrities:${id}`, `feed:author:${star}`]
    for (const key of keys) await inspect.pExpire(key, 20_000)
    await readIds(id, 1)
    await readIds(fan, 1)
    const [timeline, celebrities, author] = await Promise.all(keys.map((key) => inspect.pTTL(key)))
    for (const left of [timeline, celebrities]) {
      expect(left).toBeGreaterThan(120_000)
      expect(left).toBeLessThanOrEqual(150_000)
    }
    expect(author).toBeGreaterThan(70_000)
    expect(author).toBeLessThanOrEqual(100_000)
  })

  test('that lost its celebrities is built anew', async () => {
    const id = uuid()
    await build(id, makeIds(3))
    await inspect.del(`feed:celebrities:${id}`)
    expect(await lists.read('timeline', id, { offset: 0, count: 3 })).toMatchObject({
      known: false,
    })
    expect(await lists.claim('timeline', id)).toBeDefined()
  })

  test('loses the posts that are taken out', async () => {
    const [id, ids] = [uuid(), makeIds(5)]
    await build(id, ids)
    await lists.remove('timeline', id, [ids[1] as string, ids[4] as string, uuid()])
    expect(await readIds(id)).toEqual([ids[0], ids[2], ids[3]])
  })
})

describe('a claim', () => {
  test('is given once; meanwhile the list is no hit, and keeps what is pushed', async () => {
    const [id, ids] = [uuid(), makeIds(6)]
    const token = await lists.claim('timeline', id)
    expect(await lists.claim('timeline', id)).toBeUndefined()
    await lists.pushOwn('timeline', id, ids[0] as string)
    await lists.pushOwn('timeline', id, ids[3] as string)
    const query = { offset: 0, count: 1 }
    expect(await lists.read('timeline', id, query)).toMatchObject({ known: true, complete: false })
    await lists.fill('timeline', id, token as Buffer, ids.slice(2), true)
    expect(await readIds(id)).toEqual([ids[0], ...ids.slice(2)])
  })

  test('is lost when the list is dropped, and another reader’s is not the first one’s', async () => {
    const [id, ids] = [uuid(), makeIds(3)]
    const first = await lists.claim('timeline', id)
    await createListWriter(redis).drop('timeline', [id])
    await lists.fill('timeline', id, first as Buffer, ids, true)
    expect(await readIds(id)).toEqual([])
    const second = await lists.claim('timeline', id)
    await lists.fill('timeline', id, first as Buffer, ids, true)
    expect(await lists.read('timeline', id, { offset: 0, count: 3 })).toMatchObject({ ids: [] })
    await lists.fill('timeline', id, second as Buffer, ids.slice(1), true)
    expect(await readIds(id)).toEqual(ids.slice(1))
  })

  test('of a reader who died is over soon, reads or not', async () => {
    const id = uuid()
    await lists.claim('timeline', id)
    await readIds(id)
    expect(await inspect.pTTL(`feed:timeline:${id}`)).toBeLessThanOrEqual(5_000)
  })

  test('keeps all that was pushed, be it more than a list holds', async () => {
    const [id, ids] = [uuid(), makeIds(820)]
    const token = await lists.claim('timeline', id)
    await Promise.all(ids.slice(0, 810).map((post) => lists.pushOwn('timeline', id, post)))
    await lists.fill('timeline', id, token as Buffer, ids.slice(5), true)
    expect(await readIds(id)).toEqual(ids.slice(0, 801))
  })
})

describe('celebrities', () => {
  test('are merged in from their own lists, each post once, in pages without gaps', async () => {
    const [id, ids] = [uuid(), makeIds(90)]
    const [one, two] = [uuid(), uuid()]
    const part = (rest: number) => ids.filter((_, at) => at % 3 === rest)
    await build(one, part(1), { kind: 'author' })
    await build(two, [...part(2), ids[0] as string].sort().reverse(), { kind: 'author' })
    await build(id, part(0), { celebrities: [one, two] })
    const seen: string[] = []
    for (let below: string | undefined; ; below = seen.at(-1)) {
      const slice = await lists.read('timeline', id, { below, offset: 0, count: 20 })
      expect(slice?.complete).toBe(true)
      seen.push(...(slice?.ids ?? []))
      if ((slice?.ids.length ?? 0) < 20) break
    }
    expect(seen).toEqual(ids)
    const page = await lists.read('timeline', id, { offset: 40, count: 10 })
    expect(page?.ids).toEqual(ids.slice(40, 50))
  })

  test('whose list is missing or being built are named, and no page is given without them', async () => {
    const [id, ids] = [uuid(), makeIds(4)]
    const [warm, missing, open] = [uuid(), uuid(), uuid()]
    await build(warm, ids.slice(2), { kind: 'author' })
    await lists.claim('author', open)
    await build(id, ids.slice(0, 2), { celebrities: [warm, missing, open] })
    expect(await lists.read('timeline', id, { offset: 0, count: 2 })).toEqual({
      ids: [],
      complete: false,
      known: true,
      coldCelebrities: [missing, open],
    })
  })

  test('beyond those that are merged in make a list live for a minute, reads or not', async () => {
    const [id, star] = [idEndingIn(1_000), idEndingIn(1_000)]
    const ids = makeIds(4)
    await build(star, ids.slice(2), { kind: 'author' })
    await build(id, ids.slice(0, 2), { celebrities: [star], crowded: true })
    expect(await readIds(id)).toEqual(ids)
    for (const key of [`feed:timeline:${id}`, `feed:celebrities:${id}`]) {
      expect(await inspect.pTTL(key)).toBeLessThanOrEqual(66_000)
    }
    await lists.remove('timeline', id, [ids[0] as string, ids[3] as string])
    expect(await readIds(id)).toEqual(ids.slice(1, 3))
  })

  test('are not merged in beyond 200 posts: that is left to Postgres', async () => {
    const [id, star, ids] = [uuid(), uuid(), makeIds(220)]
    await build(star, [], { kind: 'author' })
    await build(id, ids, { celebrities: [star] })
    const read = (offset: number) => lists.read('timeline', id, { offset, count: 10 })
    expect(await read(200)).toMatchObject({ ids: ids.slice(200, 210), complete: true })
    expect(await read(201)).toMatchObject({ ids: [], complete: false, known: true })
    const below = ids[205] as string
    const page = await lists.read('timeline', id, { below, offset: 0, count: 10 })
    expect(page).toMatchObject({ ids: ids.slice(206, 216), complete: true })
  })

  test('that are missing are claimed and filled all at once', async () => {
    const [one, two, taken] = [uuid(), uuid(), uuid()]
    await lists.claim('author', taken)
    const tokens = await lists.claimAll('author', [one, two, taken])
    expect([...tokens.keys()]).toEqual([one, two])
    const posts = makeIds(2)
    const filling = [...tokens].map(([id, token], at) => {
      return { id, token, ids: posts.slice(at, at + 1), end: true }
    })
    await lists.fillAll('author', filling)
    expect(await readIds(one, 5, 'author')).toEqual(posts.slice(0, 1))
    expect(await readIds(two, 5, 'author')).toEqual(posts.slice(1))
  })

  test('end the certain part where a trimmed list of theirs ends', async () => {
    const [id, star, ids] = [uuid(), uuid(), makeIds(10)]
    await build(star, ids.slice(2, 5), { kind: 'author', end: false })
    await build(id, [ids[0], ids[1], ...ids.slice(5)] as string[], { celebrities: [star] })
    expect(await lists.read('timeline', id, { offset: 0, count: 5 })).toMatchObject({
      ids: ids.slice(0, 5),
      complete: true,
    })
    expect(await lists.read('timeline', id, { offset: 0, count: 6 })).toMatchObject({
      ids: ids.slice(0, 5),
      complete: false,
    })
  })
})

describe('pushing', () => {
  test('reaches the lists that are there, and makes none', async () => {
    const [there, absent, post] = [uuid(), uuid(), uuid()]
    await build(there, [])
    const writer = createListWriter(redis)
    expect(await writer.startFanout(post)(`${absent} ${there}`)).toBe(1)
    expect(await readIds(there)).toEqual([post])
    expect(await inspect.exists(`feed:timeline:${absent}`)).toBe(0)
  })

  test('once for each of two workers that have the same post leaves it there once', async () => {
    const [author, reader, other, post] = [uuid(), uuid(), uuid(), uuid()]
    await setAhead(uuid({ msecs: 0 }))
    for (const id of [author, reader, other]) await build(id, [])
    const writer = createListWriter(redis)
    const [one, two] = [writer.startFanout(post), writer.startFanout(post)]
    await one(author)
    await two(author)
    // Each comes to somebody before the other does.
    await one(reader)
    await two(`${reader} ${other}`)
    await one(other)
    for (const id of [author, reader, other]) expect(await readIds(id)).toEqual([post])
  })

  test('looks at each list again once nothing is known of the newest, or of one to come', async () => {
    const [author, reader, ids] = [uuid(), uuid(), makeIds(4)]
    const future = uuid({ msecs: Date.now() + 3_600_000 })
    const writer = createListWriter(redis)
    await build(reader, [])
    const push = (post: string) => writer.startFanout(post)(`${author} ${reader}`)
    await setAhead(uuid({ msecs: 0 }))
    for (const post of [future, ids[2]]) await push(post as string)
    expect(await inspect.pTTL('feed:ahead')).toBeGreaterThan(0)
    await inspect.del('feed:ahead')
    await push(ids[3] as string)
    await push(ids[1] as string)
    await inspect.del('feed:ahead')
    await build(uuid(), [ids[3] as string])
    await push(ids[0] as string)
    expect(await readIds(reader)).toEqual([future, ...ids])
  })

  test('goes on when Redis has forgotten the scripts', async () => {
    const id = uuid()
    await build(id, [])
    const admin = createClient({ url: JSON.parse(process.env.CLEW_TEST_PLATFORM ?? '').redis })
    await admin.connect()
    await admin.scriptFlush()
    admin.destroy()
    const post = uuid()
    await lists.pushOwn('timeline', id, post)
    expect(await readIds(id)).toEqual([post])
  })
})

describe('while Redis is away', () => {
  test('nothing stale is shown once it is back', async () => {
    const [id, ids] = [uuid(), makeIds(2)]
    await build(id, ids.slice(1))
    link.cut()
    expect(await lists.read('timeline', id, { offset: 0, count: 1 })).toBeUndefined()
    expect(await lists.claim('timeline', id)).toBeUndefined()
    await lists.pushOwn('timeline', id, ids[0] as string)
    await lists.pushOwn('author', id, ids[0] as string)
    expect(await lists.read('timeline', id, { offset: 0, count: 1 })).toMatchObject({
      known: false,
    })
    link.mend()
    await eventually(async () => (await inspect.exists(`feed:timeline:${id}`)) === 0)
    await eventually(() => lists.claim('timeline', id))
  })

  test('the strict writer says so', async () => {
    const id = uuid()
    await build(id, makeIds(1))
    link.cut()
    const writer = createListWriter(redis)
    await expect(writer.pushOwn('timeline', id, uuid())).rejects.toThrow('Redis')
    await expect(writer.drop('timeline', [id])).rejects.toThrow('Redis')
    link.mend()
    await eventually(() =>
      redis.ping().then(
        () => true,
        () => false,
      ),
    )
  })
})

test('ids come out as they went in', () => {
  const ids = Array.from({ length: 50 }, createRandom(3).id)
  expect(fromRaw(toRaw(ids))).toEqual(ids)
  expect(fromRaw(toRaw([]))).toEqual([])
})

test.each([11, 12, 13, 14])(
  'any order of operations does as the model does (seed %i)',
  async (seed) => {
    const random = createRandom(seed)
    const model = createListModel()
    const writer = createListWriter(redis)
    const stars = [random.id(), random.id()]
    const people = [random.id(), random.id(), random.id(), ...stars]
    const posts = Array.from({ length: 1_200 }, random.id)
    const sorted = newestFirst(posts)
    const held: { kind: ListKind; id: string; token: Buffer; claim: number }[] = []
    const one = <Item>(items: Item[]) => items[random.pick(items.length)] as Item

    for (let step = 0; step < 1_500; step++) {
      const kind = one<ListKind>(['timeline', 'author'])
      const id = one(people)
      const what = random.pick(100)
      if (what < 45) {
        const post = one(posts)
        const some = people.filter(() => random.pick(2) === 0)
        if (kind === 'timeline') await writer.startFanout(post)(some.join(' '))
        else for (const author of some) await lists.pushOwn(kind, author, post)
        model.push(kind, some, post)
      } else if (what < 60) {
        const [token, claim] = [await lists.claim(kind, id), model.claim(kind, id)]
        expect(token !== undefined).toBe(claim !== undefined)
        if (token && claim) held.push({ kind, id, token, claim })
      } else if (what < 73 && held.length > 0) {
        const [mine] = held.splice(random.pick(held.length), 1)
        if (!mine) continue
        const share = one([0, 2, 3, 40])
        const ids = sorted.filter(() => share > 0 && random.pick(share) === 0).slice(0, 800)
        const [end, celebrities] = [random.pick(2) === 0, stars.filter(() => random.pick(2) === 0)]
        const merged = mine.kind === 'timeline' ? celebrities : []
        await lists.fill(mine.kind, mine.id, mine.token, ids, end, merged)
        model.fill(mine.kind, mine.id, mine.claim, ids, end, merged)
      } else if (what < 75) {
        await writer.drop(kind, [id])
        model.drop(kind, [id])
      } else if (what < 78) {
        const gone = model.ids(kind, id).filter(() => random.pick(10) === 0)
        if (gone.length === 0) continue
        await lists.remove(kind, id, gone)
        model.remove(kind, id, gone)
      } else {
        const below = random.pick(2) === 0 ? one(posts) : undefined
        const query = { below, offset: one([0, 0, 5, 300, 799]), count: one([1, 21, 51, 800]) }
        const [slice, expected] = [await lists.read(kind, id, query), model.read(kind, id, query)]
        // Where the certain part ends early, how much of it is given is no promise.
        expect(slice, `step ${step}`).toEqual(expected)
      }
    }
  },
)

test.each([21, 22, 23, 24])(
  'fan-outs leave lists sorted, whatever comes between (seed %i)',
  async (seed) => {
    const random = createRandom(seed)
    const model = createListModel()
    const writer = createListWriter(redis)
    const people = Array.from({ length: 6 }, random.id)
    const one = <Item>(items: Item[]) => items[random.pick(items.length)] as Item
    // Ids of any bytes are from the future, too: with one of those ahead every list is looked at.
    await setAhead(uuid({ msecs: 0 }))
    // About as time goes: mostly newer than all before, now and then a little late.
    const posts = newestFirst(Array.from({ length: 400 }, () => uuid())).reverse()
    const running: { post: string; push: (people: string) => Promise<number>; rest: string[] }[] =
      []

    function start(post: string, author: string) {
      const rest = people.filter((id) => id !== author && random.pick(3) > 0)
      running.push({ post, push: writer.startFanout(post), rest: [author, ...rest] })
    }
    for (let step = 0; step < 1_200; step++) {
      const post = posts[Math.min(399, Math.max(0, Math.floor(step / 3) + random.pick(6) - 3))]
      if (post === undefined) continue
      const author = people[posts.indexOf(post) % people.length] as string
      const what = random.pick(100)
      if (what < 30) {
        await lists.pushOwn('timeline', author, post)
        model.push('timeline', [author], post)
        start(post, author)
      } else if (what < 40) start(post, author)
      else if (what < 80 && running.length > 0) {
        const fanout = one(running)
        const some = fanout.rest.splice(0, 1 + random.pick(3))
        if (fanout.rest.length === 0) running.splice(running.indexOf(fanout), 1)
        await fanout.push(some.join(' '))
        model.push('timeline', some, fanout.post)
      } else if (what < 85) {
        await writer.drop('timeline', people)
        model.drop('timeline', people)
      } else {
        const id = one(people)
        const [token, claim] = [await lists.claim('timeline', id), model.claim('timeline', id)]
        if (!token || !claim) continue
        const ids = posts.slice(0, posts.indexOf(post) + random.pick(2)).reverse()
        await lists.fill('timeline', id, token, ids, true)
        model.fill('timeline', id, claim, ids, true, [])
      }
      const id = one(people)
      const query = { offset: 0, count: 800 }
      expect(await lists.read('timeline', id, query), `step ${step}`).toEqual(
        model.read('timeline', id, query),
      )
    }
  },
)
