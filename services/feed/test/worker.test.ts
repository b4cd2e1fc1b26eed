import { eventually } from '@clew/kit/test/eventually'
import { openLink } from '@clew/tests/cuttable-link'
import { serve } from '@clew/tests/neighbours'
import { portOf, startOneService } from '@clew/tests/one-service'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startWorker, type Worker } from './worker.ts'

// Read when the module is: on a busy machine an answer can take more than the usual 50 ms.
vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '5000'
})

const celebrityFollowers = 2_000
const stack = new AsyncDisposableStack()
let profile: Awaited<ReturnType<typeof startOneService>>
let link: Awaited<ReturnType<typeof openLink>>
let worker: Worker

beforeAll(async () => {
  profile = stack.use(await startOneService('profile'))
  link = stack.use(await openLink(portOf(profile.url)))
  const profileUrl = `http://127.0.0.1:${link.port}`
  worker = stack.use(await startWorker({ profileUrl, celebrityFollowers }))
})
afterAll(() => stack.disposeAsync())

/** Somebody with so many followers, whose ids are given too. */
async function authorWith(followers: number): Promise<{ author: string; ids: string[] }> {
  const author = await worker.author()
  const ids = Array.from({ length: followers }, () => uuid())
  await profile.owner.query(
    `insert into profiles (id, username, display_name, created_at, follower_count)
     select id, id, id, now(), case when id = $2 then $3 else 0 end
     from unnest($1::uuid[] || $2::uuid) as id`,
    [ids, author, followers],
  )
  await profile.owner.query(
    'insert into follows (follower_id, following_id) select id, $2 from unnest($1::uuid[]) as id',
    [ids, author],
  )
  return { author, ids }
}

async function loseFollowers(author: string, left: number): Promise<void> {
  await profile.owner.query(
    `delete from follows where following_id = $1 and follower_id not in (
       select follower_id from follows where following_id = $1 limit $2)`,
    [author, left],
  )
  await profile.owner.query('update profiles set follower_count = $2 where id = $1', [author, left])
}

async function isCelebrity(author: string): Promise<boolean | undefined> {
  const [row] = await worker.owner.query<{ celebrity: boolean }>(
    'select celebrity from authors where id = $1',
    [author],
  )
  return row?.celebrity
}

function postBy(author: string, post_id = uuid()) {
  const fact = { post_id, user_id: author, shared_post_id: null, created_at: new Date() }
  const stated = worker.state('events:feed', 'post.created', fact)
  return stated.then((trace) => ({ post: post_id, ...trace }))
}

function follow(kind: 'followed' | 'unfollowed', follower_id: string, following_id: string) {
  return worker.state('events:profile', `user.${kind}`, { follower_id, following_id })
}

function keyOf(key: string): Promise<string | null> {
  return worker.redis.run({ command: 'GET', on: 'test', send: (client) => client.get(key) })
}

describe('a new post', () => {
  test('comes to all followers who have a timeline, and to its author', async () => {
    const { author, ids } = await authorWith(1_200)
    const [older, younger] = [uuid(), uuid()]
    const readers = ids.filter((_, at) => at % 100 === 0)
    await Promise.all([author, ...readers].map((id) => worker.build(id, [older])))
    await postBy(author, younger)
    await worker.settled()
    for (const id of [author, ...readers]) {
      expect(await worker.timeline(id)).toEqual([younger, older])
    }
    expect(await worker.timeline(ids[1] as string)).toBeUndefined()
  })

  test('leaves a trace of one call and a push for each 500 people, within that of its author', async () => {
    const { author } = await authorWith(1_200)
    const { trace, span } = await postBy(author)
    await worker.settled()
    const spans = () => worker.spans().filter(({ traceId }) => traceId === trace)
    await eventually(() => spans().some(({ kind }) => kind === 'CONSUMER'))
    const consumer = spans().find(({ kind }) => kind === 'CONSUMER')
    expect(consumer).toMatchObject({ name: 'process events:feed', parentId: span })
    const below = spans().filter(({ parentId }) => parentId === consumer?.id)
    expect(below.map(({ name }) => name)).toEqual([
      'EVAL author',
      'SELECT authors',
      'GET /internal/users/{id}/followers',
      ...Array(3).fill('EVAL timeline'),
    ])
    expect(below.slice(3).map((one) => one.attributes['db.operation.batch.size']?.value)).toEqual([
      500, 500, 201,
    ])
  })

  test('stated twice is there once', async () => {
    const { author, ids } = await authorWith(3)
    await worker.build(ids[0] as string, [])
    const post = uuid()
    await postBy(author, post)
    await postBy(author, post)
    await worker.settled()
    expect(await worker.timeline(ids[0] as string)).toEqual([post])
  })

  test('waits for profile, and for Redis', async () => {
    const { author, ids } = await authorWith(3)
    const reader = ids[0] as string
    await worker.build(reader, [])
    link.cut()
    const { post: first } = await postBy(author)
    const failed = await eventually(() =>
      worker.spans().find(({ kind, status }) => kind === 'CONSUMER' && status === 'error'),
    )
    // Which neighbour it was, for whoever reads the trace.
    expect(failed.events.map(({ attributes }) => attributes['exception.message']?.value)).toEqual([
      'profile cannot be reached right now. Try again in a moment.',
    ])
    expect(await worker.timeline(reader)).toEqual([])
    link.mend()
    await worker.settled()
    expect(await worker.timeline(reader)).toEqual([first])

    worker.redisLink.cut()
    const { post: second } = await postBy(author)
    await eventually(async () => (await fetch(`${worker.url}/readyz`)).status === 503)
    expect(await worker.timeline(reader)).toEqual([first])
    worker.redisLink.mend()
    await worker.settled()
    expect(await worker.timeline(reader)).toEqual([second, first])
  })
})

describe('an author whom very many follow', () => {
  test('becomes a celebrity: timelines are built anew, and no longer pushed to', async () => {
    const { author, ids } = await authorWith(celebrityFollowers + 1)
    const [reader, other] = [ids[0] as string, ids.at(-1) as string]
    const early = uuid()
    for (const id of [author, reader, other]) await worker.build(id, [early])
    const { post } = await postBy(author)
    await worker.settled()
    expect(await isCelebrity(author)).toBe(true)
    expect(await worker.timeline(reader)).toBeUndefined()
    expect(await worker.timeline(other)).toBeUndefined()
    expect(await worker.timeline(author)).toEqual([post, early])
    expect(await keyOf(`feed:crossing:${author}`)).toBeNull()

    await worker.build(reader, [early])
    const token = await worker.lists.claim('author', author)
    await worker.lists.fill('author', author, token as Buffer, [post, early], true)
    const { post: later } = await postBy(author)
    await worker.settled()
    expect(await worker.timeline(reader)).toEqual([early])
    await worker.drop(reader)
    await worker.build(reader, [], [author])
    expect(await worker.timeline(reader)).toEqual([later, post, early])
  })

  test('is dropped from the timelines that a worker who died had left', async () => {
    const { author, ids } = await authorWith(celebrityFollowers + 1)
    const reader = ids[5] as string
    await worker.build(reader, [])
    await worker.owner.query('update authors set celebrity = true where id = $1', [author])
    const key = `feed:crossing:${author}`
    await worker.redis.run({ command: 'SET', on: 'test', send: (client) => client.set(key, '1') })
    await postBy(author)
    await worker.settled()
    expect(await worker.timeline(reader)).toBeUndefined()
    expect(await keyOf(key)).toBeNull()
  })

  test('stays one until a fifth of them is gone', async () => {
    const { author } = await authorWith(celebrityFollowers)
    await worker.owner.query('update authors set celebrity = true where id = $1', [author])
    await postBy(author)
    await worker.settled()
    expect(await isCelebrity(author)).toBe(true)
    await loseFollowers(author, celebrityFollowers * 0.8 - 1)
    const [left] = await profile.owner.query<{ follower_id: string }>(
      'select follower_id from follows where following_id = $1',
      [author],
    )
    await worker.build(left?.follower_id ?? '', [])
    const { post } = await postBy(author)
    await worker.settled()
    expect(await isCelebrity(author)).toBe(false)
    expect(await worker.timeline(left?.follower_id ?? '')).toEqual([post])
  })
})

describe('what else happened', () => {
  test.each(['followed', 'unfollowed'] as const)('%s: the timeline is built anew', async (kind) => {
    const reader = uuid()
    await worker.build(reader, [uuid()], [uuid()])
    const key = `feed:following:${reader}`
    await worker.redis.run({ command: 'SET', on: 'test', send: (client) => client.set(key, '[]') })
    const { trace } = await follow(kind, reader, uuid())
    await worker.settled()
    const keys = [`feed:timeline:${reader}`, `feed:celebrities:${reader}`, key]
    const left = { command: 'EXISTS', on: 'test' }
    expect(await worker.redis.run({ ...left, send: (client) => client.exists(keys) })).toBe(0)
    const linked = () => worker.spans().find(({ links }) => links[0]?.traceId === trace)
    expect((await eventually(linked)).name).toBe('process events:profile')
  })

  test('a new name: the card is kept, and posts that show the old one are shown no more', async () => {
    const author = await worker.author('before')
    const posts = Array.from({ length: 501 }, () => uuid())
    await worker.owner.query(
      `insert into posts (id, user_id, content) select id, $2, 'words' from unnest($1::uuid[]) as id`,
      [posts, author],
    )
    const names = {
      username: 'after',
      display_name: 'After',
      avatar_url: 'https://a.example/a.png',
    }
    const updated_at = new Date()
    const fact = { user_id: author, ...names, updated_at }
    await worker.state('events:profile', 'profile.updated', fact)
    await worker.settled()
    const [card] = await worker.owner.query(
      'select username, display_name, avatar_url from authors where id = $1',
      [author],
    )
    expect(card).toEqual(names)
    for (const post of [posts[0], posts[500]]) expect(await keyOf(`feed:post:${post}`)).toBe('?')
  })

  test('a card that changes before the first post is the one that post is shown with', async () => {
    const user_id = uuid()
    const names = { username: 'new', display_name: 'New', avatar_url: null }
    const fact = { user_id, ...names, updated_at: new Date() }
    await worker.state('events:profile', 'profile.updated', fact)
    await worker.settled()
    const [author] = await worker.owner.query(
      'select username, display_name, celebrity from authors where id = $1',
      [user_id],
    )
    expect(author).toEqual({ username: 'new', display_name: 'New', celebrity: false })
  })

  test('an edit and a deletion are told to the cache once more', async () => {
    const [edited, deleted, user_id] = [uuid(), uuid(), uuid()]
    await worker.state('events:feed', 'post.updated', { post_id: edited, user_id })
    await worker.state('events:feed', 'post.deleted', { post_id: deleted, user_id })
    await worker.settled()
    expect(await keyOf(`feed:post:${edited}`)).toBe('?')
    expect(await keyOf(`feed:post:${deleted}`)).toBe('-')
  })

  test('a deletion takes the shares without words along, however many, and frees the others', async () => {
    const [original, worded] = [uuid(), uuid()]
    const wordless = Array.from({ length: 1_001 }, () => uuid())
    await worker.owner.query(
      `with sharers as (
         insert into authors (id, username, display_name) select id, 's', 's'
         from unnest($1::uuid[] || $2::uuid) as id)
       insert into posts (id, user_id, content, is_share, shared_post_id)
       select id, id, case when id = $2 then 'words' else '' end, true, $3
       from unnest($1::uuid[] || $2::uuid) as id`,
      [wordless, worded, original],
    )
    await worker.state('events:feed', 'post.deleted', { post_id: original, user_id: uuid() })
    await worker.settled()
    const left = await worker.owner.query(
      'select id, shared_post_id from posts where id = any($1::uuid[] || $2::uuid)',
      [wordless, worded],
    )
    expect(left).toEqual([{ id: worded, shared_post_id: null }])
    for (const id of [wordless[0], wordless[1_000]]) {
      expect(await keyOf(`feed:post:${id}`)).toBe('-')
    }
    expect(await keyOf(`feed:post:${worded}`)).toBe('?')
  })

  test('likes and comments are told to the cache once more, and older ones change nothing', async () => {
    const [post_id, user_id, author_id] = [uuid(), uuid(), uuid()]
    const counts = (likes: number, version: number) => ({
      ...{ post_id, user_id, author_id },
      ...{ like_count: likes, comment_count: 2, version },
    })
    const liked = () => {
      const field = [`feed:liked:${user_id}`, post_id] as const
      const call = { command: 'HGET', on: 'test' }
      return worker.redis.run({ ...call, send: (client) => client.hGet(...field) })
    }
    await worker.state('events:feed', 'post.liked', { ...counts(7, 9), liked: true })
    await worker.settled()
    expect(await keyOf(`feed:counts:${post_id}`)).toBe('7,2,9')
    expect(await liked()).toBe('1:9')
    await worker.state('events:feed', 'post.unliked', { ...counts(6, 8), liked: false })
    await worker.settled()
    expect(await liked()).toBe('1:9')
    await worker.state('events:feed', 'post.commented', { ...counts(7, 10), comment_id: uuid() })
    await worker.state('events:feed', 'post.unliked', { ...counts(6, 11), liked: false })
    await worker.settled()
    expect(await keyOf(`feed:counts:${post_id}`)).toBe('6,2,11')
    expect(await liked()).toBe('0:11')
  })
})

describe('in the middle of a fan-out', () => {
  const [early, late] = [uuid(), uuid()]
  let held = Promise.withResolvers<void>()
  let slow: Worker

  beforeAll(async () => {
    // The second page of followers comes when the test says so.
    const neighbour = stack.use(
      await serve(async (path) => {
        if (!path.includes('after=')) return { follower_count: 2, ids: early, next: 'more' }
        await held.promise
        return { follower_count: 2, ids: late, next: null }
      }),
    )
    slow = stack.use(await startWorker({ profileUrl: neighbour.url }))
  })

  async function beginFanout(): Promise<string> {
    held = Promise.withResolvers()
    for (const id of [early, late]) {
      await slow.drop(id)
      await slow.build(id, [])
    }
    const [post_id, user_id] = [uuid(), await slow.author()]
    await slow.state('events:feed', 'post.created', { post_id, user_id })
    await eventually(async () => (await slow.timeline(early))?.length === 1)
    return post_id
  }

  test('a worker that is killed goes on where it was', async () => {
    const post = await beginFanout()
    await slow.killAndStart()
    held.resolve()
    await slow.settled()
    expect(await slow.timeline(early)).toEqual([post])
    expect(await slow.timeline(late)).toEqual([post])
  })

  test('somebody who unfollows does not get the post after all', async () => {
    await beginFanout()
    const [{ user_id } = { user_id: '' }] = await slow.owner.query<{ user_id: string }>(
      'select id as user_id from authors order by id desc limit 1',
    )
    await slow.state('events:profile', 'user.unfollowed', {
      follower_id: late,
      following_id: user_id,
    })
    await eventually(async () => (await slow.timeline(late)) === undefined)
    await slow.build(late, [])
    held.resolve()
    await slow.settled()
    expect(await slow.timeline(late)).toBeUndefined()
  })
})

test('it says how it is, and ends when told to', async () => {
  const statuses = await Promise.all(
    ['/livez', '/readyz', '/other'].map(async (path) => (await fetch(worker.url + path)).status),
  )
  expect(statuses).toEqual([200, 200, 404])
  expect(await worker.stop()).toBe(0)
})
