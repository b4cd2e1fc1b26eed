import { openTestDatabase } from '@clew/tests/service-database'
import { verify } from '@node-rs/bcrypt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withClient } from '../client.ts'
import { emailOf, password } from '../login.ts'
import { type Plan, planPopulation } from '../plan.ts'
import { fillVillage, findVillagers } from '../village.ts'
import { type Databases, writePopulation } from '../write.ts'

const until = new Date('2026-11-21T12:00:00Z')
const options = { people: 300, posts: 2_000, shape: 'powerlaw', seed: 'test', until } as const

let stack: AsyncDisposableStack
let databases: Databases

beforeAll(async () => {
  stack = new AsyncDisposableStack()
  databases = await openDatabases()
  await writePopulation(planPopulation(options), databases, { celebrityFollowers: 250 })
})

afterAll(() => stack.disposeAsync())

describe('a written population', () => {
  it('has the counts that a recount finds, and those of its plan', async () => {
    expect(await countAll(databases)).toEqual(lengths(planPopulation(options)))
    const wrong = await Promise.all([
      ask(
        databases.profile,
        `select id from profiles
         where follower_count <> (select count(*) from follows where following_id = id)
            or following_count <> (select count(*) from follows where follower_id = id)`,
      ),
      ask(
        databases.feed,
        `select id from posts
         where like_count <> (select count(*) from likes where post_id = posts.id)
            or comment_count <> (select count(*) from comments where post_id = posts.id)`,
      ),
    ])
    expect(wrong).toEqual([[], []])
  })

  it('names only people and posts that exist', async () => {
    const dangling = await Promise.all([
      ask(
        databases.profile,
        `select follower_id from follows
         where follower_id not in (select id from profiles)
            or following_id not in (select id from profiles)`,
      ),
      ask(
        databases.feed,
        `select user_id from posts
         where user_id not in (select id from authors)
            or shared_post_id not in (select id from posts)
         union all
         select user_id from likes
         where user_id not in (select id from authors) or post_id not in (select id from posts)
         union all
         select user_id from comments
         where user_id not in (select id from authors) or post_id not in (select id from posts)`,
      ),
    ])
    expect(dangling).toEqual([[], []])
    const [users, profiles, authors] = await Promise.all([
      ask(databases.auth, 'select id, username::text from users order by id'),
      ask(databases.profile, 'select id, username from profiles order by id'),
      ask(databases.feed, 'select id, username from authors order by id'),
    ])
    expect(profiles).toEqual(users)
    expect(authors).toEqual(users)
  })

  it('keeps words, times and shares as they were planned', async () => {
    const posts = [...planPopulation(options).posts]
    const rows = await ask(
      databases.feed,
      'select id, content, is_share, shared_post_id, created_at from posts',
    )
    const planned = posts.map(({ id, content, shared, at }) => ({
      id,
      content,
      is_share: shared !== undefined,
      shared_post_id: shared === undefined ? null : posts[shared]?.id,
      created_at: new Date(at),
    }))
    expect(rows.toSorted(byId)).toEqual(planned.toSorted(byId))
  })

  it('lets everybody log in with the password', async () => {
    const [somebody] = planPopulation(options).people
    const [row] = await ask(
      databases.auth,
      'select password_hash, roles from users where email = $1',
      [emailOf(somebody!.username)],
    )
    expect(row).toMatchObject({ roles: ['user'] })
    expect(await verify(password, row?.password_hash)).toBe(true)
    expect(await verify('village live', row?.password_hash)).toBe(false)
  })

  it('marks whom very many follow', async () => {
    const celebrities = await ask(databases.feed, 'select id from authors where celebrity')
    const famous = await ask(
      databases.profile,
      'select id from profiles where follower_count > 250',
    )
    expect(celebrities).toEqual(famous)
    expect(famous).toHaveLength(1)
  })

  it('is not written a second time, at whatever time that is', async () => {
    const later = { ...options, until: new Date(until.getTime() + 86_400_000) }
    let begins = 0
    const begun = () => void begins++
    expect(await writePopulation(planPopulation(later), databases, { begun })).toBeUndefined()
    expect(begins).toBe(0)
    expect(await countAll(databases)).toEqual(lengths(planPopulation(options)))
  })

  it('has room beside it for one of another seed', async () => {
    const other = planPopulation({ ...options, people: 20, posts: 50, seed: 'other' })
    const own = await openDatabases()
    await writePopulation(planPopulation(options), own)
    let begins = 0
    const begun = () => void begins++
    expect(await writePopulation(other, own, { begun })).toMatchObject({ people: 20, posts: 50 })
    expect(begins).toBe(1)
  })
})

describe('nothing is written', () => {
  it('when only some of the people are there', async () => {
    const before = await countAll(databases)
    const more = planPopulation({ ...options, people: 301 })
    await expect(writePopulation(more, databases)).rejects.toThrow(
      'Of these 301 people 300 are there already',
    )
    expect(await countAll(databases)).toEqual(before)
  })

  it('when somebody else has one of their names', async () => {
    const own = await openDatabases()
    const plan = planPopulation({ ...options, people: 10, posts: 10 })
    const [first] = plan.people
    await ask(
      own.auth,
      `insert into users (id, email, username) values (gen_random_uuid(), 'a@b.example', $1)`,
      [first!.username.toUpperCase()],
    )
    await expect(writePopulation(plan, own)).rejects.toThrow(
      `Other people have names of these: ${first!.username.toUpperCase()}.`,
    )
    expect(await countAll(own)).toEqual({ ...nothing, people: [1, 0, 0] })
  })

  it('when one of the databases refuses', async () => {
    for (const [database, table] of [
      ['feed', 'comments'],
      ['profile', 'follows'],
      ['auth', 'users'],
    ] as const) {
      const own = await openDatabases()
      const before = await countAll(own)
      await ask(own[database], `alter table ${table} add check (created_at < '2000-01-01')`)
      await expect(writePopulation(planPopulation(options), own)).rejects.toThrow(table)
      expect(await countAll(own)).toEqual(before)
    }
  })

  it('when the plan names somebody who is not in it', async () => {
    const own = await openDatabases()
    const plan = planPopulation({ ...options, people: 10, posts: 10 })
    const follows = [{ follower: 0, followed: 10, at: until.getTime() }]
    await expect(writePopulation({ ...plan, follows }, own)).rejects.toThrow(RangeError)
    expect(await countAll(own)).toEqual({ ...nothing, people: [0, 0, 0] })
  })
})

it('writes what was planned by hand, whatever is in the words', async () => {
  const own = await openDatabases()
  const content = 'a\\b\tc\nd\r "e" \\. ü 🙂 \\N'
  const at = until.getTime()
  const plan: Plan = {
    people: ['ann', 'ben'].map((username, place) => ({
      id: `00000000-0000-7000-8000-00000000000${place}`,
      username,
      displayName: username,
      bio: content,
      joinedAt: at,
    })),
    follows: [],
    posts: [{ id: '00000000-0000-7000-8000-000000000009', author: 1, content, at }],
    likes: [{ post: 0, person: 0, at }],
    comments: [],
  }
  await writePopulation(plan, own)
  expect(await ask(own.profile, 'select bio from profiles')).toEqual([
    { bio: content },
    { bio: content },
  ])
  expect(await ask(own.feed, 'select content, like_count from posts')).toEqual([
    { content, like_count: 1 },
  ])
})

describe('the village', () => {
  it('is filled where there is nobody, and only then', async () => {
    const own = await openDatabases()
    expect(await findVillagers(own.auth)).toBeUndefined()
    const written = await fillVillage(own)
    expect(written).toMatchObject({ people: 60 })
    const { bestKnown, somebody } = written!
    expect(await findVillagers(own.auth)).toEqual({
      bestKnown: emailOf(bestKnown.username),
      somebody: emailOf(somebody.username),
    })

    await ask(own.feed, 'delete from posts')
    expect(await fillVillage(own)).toBeUndefined()
    expect((await countAll(own)).posts).toBe(0)
  })

  it('stays away from people who came before it', async () => {
    const own = await openDatabases()
    await ask(
      own.auth,
      `insert into users (id, email, username) values (gen_random_uuid(), 'a@b.example', 'ann')`,
    )
    expect(await fillVillage(own)).toBeUndefined()
    expect(await countAll(own)).toEqual({ ...nothing, people: [1, 0, 0] })
  })
})

const nothing = { people: [0, 0, 0], follows: 0, posts: 0, likes: 0, comments: 0 }

async function openDatabases(): Promise<Databases> {
  const open = async (service: string) => stack.use(await openTestDatabase(service)).ownerUrl
  const [auth, profile, feed] = await Promise.all([open('auth'), open('profile'), open('feed')])
  return { auth, profile, feed }
}

function ask(url: string, sql: string, values: unknown[] = []) {
  return withClient(url, async (client) => (await client.query(sql, values)).rows)
}

/** How many rows there are; people in each of the databases. */
async function countAll({ auth, profile, feed }: Databases) {
  const count = async (url: string, table: string) => {
    const [row] = await ask(url, `select count(*)::int from ${table}`)
    return row.count as number
  }
  return {
    people: await Promise.all([
      count(auth, 'users'),
      count(profile, 'profiles'),
      count(feed, 'authors'),
    ]),
    follows: await count(profile, 'follows'),
    posts: await count(feed, 'posts'),
    likes: await count(feed, 'likes'),
    comments: await count(feed, 'comments'),
  }
}

function lengths({ people, follows, posts, likes, comments }: Plan) {
  return {
    people: [people.length, people.length, people.length],
    follows: follows.length,
    posts: posts.length,
    likes: likes.length,
    comments: comments.length,
  }
}

function byId(one: { id: string }, other: { id: string }): number {
  return one.id < other.id ? -1 : 1
}
