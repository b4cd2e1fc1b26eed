import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { openTestDatabase } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../src/media.ts'
import { createUses, type Uses, unconfirmedMs } from '../src/uses.ts'
import { type Service, startService } from './service.ts'

const stack = new AsyncDisposableStack()
let owner: Postgres
let uses: Uses

beforeAll(async () => {
  const database = stack.use(await openTestDatabase('media'))
  owner = stack.use(openPostgres(database.ownerUrl))
  // As the service connects: its role must be allowed all of this.
  uses = createUses(stack.use(openPostgres(database.url)))
})
afterAll(() => stack.disposeAsync())

async function mediaOf(owner_id: string, status: Status = 'ready', on = owner): Promise<string> {
  const id = uuid()
  await on.query(
    `insert into media (id, owner_id, status, content_type, bytes, width, height, sha256)
     values ($1, $2, $3, 'image/png', 10, 640, 480, $4)`,
    [id, owner_id, status, Buffer.from(id)],
  )
  return id
}

function usesOf(postId: string) {
  return owner.query<{ media_id: string; confirmed: boolean }>(
    'select media_id, confirmed from uses where post_id = $1 order by media_id',
    [postId],
  )
}

async function age(postId: string, ms: number): Promise<void> {
  await owner.query(
    `update uses set created_at = now() - $2 * interval '1 ms' where post_id = $1`,
    [postId, ms],
  )
}

/** Ids of what the facts in the outbox call hidden. */
async function hidden(): Promise<string[]> {
  const facts = await owner.query<{ id: string }>(
    `select payload->>'media_id' as id from outbox where type = 'media.hidden'`,
  )
  return facts.map(({ id }) => id)
}

describe('a post asks', () => {
  test('for what it is to show, and is told in its own order', async () => {
    const user_id = uuid()
    const first = await mediaOf(user_id)
    const second = await mediaOf(user_id, 'processing')
    const ask = { post_id: uuid(), user_id, media_ids: [second, first] }
    const given = await uses.request(ask)
    expect(given.map(({ id }) => id)).toEqual([second, first])
    expect(await usesOf(ask.post_id)).toEqual([
      { media_id: first, confirmed: false },
      { media_id: second, confirmed: false },
    ])
  })

  test('twice, and it is as if once; also for the same twice', async () => {
    const user_id = uuid()
    const id = await mediaOf(user_id)
    const ask = { post_id: uuid(), user_id, media_ids: [id, id] }
    expect(await uses.request(ask)).toHaveLength(2)
    expect(await uses.request(ask)).toEqual(await uses.request(ask))
    expect(await usesOf(ask.post_id)).toHaveLength(1)
  })

  test('for what is not there, not theirs, broken or going: each is named, and nothing is kept', async () => {
    const user_id = uuid()
    const statuses = ['failed', 'uploading', 'deleting'] as const
    const bad = await Promise.all(statuses.map((status) => mediaOf(user_id, status)))
    const good = await mediaOf(user_id)
    const media_ids = [good, uuid(), await mediaOf(uuid()), ...bad]
    const post_id = uuid()
    await expect(uses.request({ post_id, user_id, media_ids })).rejects.toMatchObject({
      status: 422,
      errors: [1, 2, 3, 4, 5].map((index) => ({ field: `media_ids.${index}` })),
    })
    expect(await usesOf(post_id)).toEqual([])
  })

  test('while its author deletes it: one of the two is refused', async () => {
    const user_id = uuid()
    for (let times = 0; times < 10; times++) {
      const id = await mediaOf(user_id)
      const post_id = uuid()
      const removal = owner.transaction(async (tx) => {
        await tx.query('select 1 from media where id = $1 for update', [id])
        const used = await tx.query('select 1 from uses where media_id = $1', [id])
        if (used.length > 0) throw new Error('used')
        await tx.query(`update media set status = 'deleting' where id = $1`, [id])
      })
      const ends = await Promise.allSettled([
        removal,
        uses.request({ post_id, user_id, media_ids: [id] }),
      ])
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })
})

describe('a post that is stored', () => {
  async function asked(count = 1) {
    const user_id = uuid()
    const media_ids = await Promise.all(Array.from({ length: count }, () => mediaOf(user_id)))
    const post = { post_id: uuid(), user_id, media_ids }
    await uses.request(post)
    return post
  }

  test('confirms its uses, and they are kept however old', async () => {
    const post = await asked(2)
    await uses.confirm(post)
    await uses.confirm(post)
    await age(post.post_id, 10 * unconfirmedMs)
    expect(await uses.expire(unconfirmedMs)).toEqual([])
    expect((await usesOf(post.post_id)).map(({ confirmed }) => confirmed)).toEqual([true, true])
  })

  test('without pictures asks nothing', async () => {
    const post = { post_id: uuid(), user_id: uuid() }
    await uses.confirm({ ...post, media_ids: [] })
    expect(await usesOf(post.post_id)).toEqual([])
  })

  test('and whose fact comes so late that its uses were given up, gets them back', async () => {
    const post = await asked()
    await age(post.post_id, unconfirmedMs + 60_000)
    expect(await uses.expire(unconfirmedMs)).toEqual(post.media_ids)
    expect(await hidden()).toEqual(expect.arrayContaining(post.media_ids))
    expect(await usesOf(post.post_id)).toEqual([])
    await uses.confirm(post)
    expect(await usesOf(post.post_id)).toMatchObject([{ confirmed: true }])
  })

  test('and was deleted, does not come back when its facts come in the wrong order', async () => {
    const post = await asked()
    await uses.withdraw(post.post_id)
    await uses.confirm(post)
    expect(await usesOf(post.post_id)).toEqual([])
  })

  test('and was deleted after its uses were given up, does not come back either', async () => {
    const post = await asked()
    await age(post.post_id, unconfirmedMs + 60_000)
    await uses.expire(unconfirmedMs)
    await uses.withdraw(post.post_id)
    await uses.forget()
    await uses.confirm(post)
    expect(await usesOf(post.post_id)).toEqual([])
    await owner.query(`update withdrawn set created_at = now() - interval '25 h'`)
    await uses.forget()
    expect(await owner.query('select 1 from withdrawn')).toEqual([])
  })

  test('while its author deletes the picture: no use is left on what goes', async () => {
    for (let times = 0; times < 10; times++) {
      const post = await asked()
      const [id] = post.media_ids
      await owner.query('delete from uses where media_id = $1', [id])
      const locked = Promise.withResolvers<void>()
      const removal = owner.transaction(async (tx) => {
        await tx.query(`update media set status = 'deleting' where id = $1`, [id])
        locked.resolve()
        await new Promise((resolve) => setTimeout(resolve, 20))
      })
      await locked.promise
      await Promise.all([uses.confirm(post), removal])
      expect(await usesOf(post.post_id)).toEqual([])
    }
  })

  test("cannot confirm what is another's", async () => {
    const post = await asked()
    const foreign = await mediaOf(uuid())
    await uses.confirm({ ...post, media_ids: [foreign] })
    expect(await usesOf(post.post_id)).toMatchObject([{ confirmed: false }])
  })

  test('and deleted hides what no other post shows, and states that', async () => {
    const post = await asked(2)
    const [alone, shared] = post.media_ids as [string, string]
    const other = { ...post, post_id: uuid(), media_ids: [shared] }
    await uses.request(other)
    await uses.withdraw(post.post_id)
    await uses.withdraw(post.post_id)
    const facts = await hidden()
    expect(facts.filter((id) => id === alone)).toHaveLength(1)
    expect(facts).not.toContain(shared)
    await uses.withdraw(other.post_id)
    expect(await hidden()).toContain(shared)
  })

  test('and deleted with another at the same moment: what both showed is hidden once', async () => {
    for (let times = 0; times < 10; times++) {
      const post = await asked()
      const other = { ...post, post_id: uuid() }
      await uses.request(other)
      await Promise.all([uses.withdraw(post.post_id), uses.withdraw(other.post_id)])
      expect((await hidden()).filter((id) => id === post.media_ids[0])).toHaveLength(1)
    }
  })

  test('or never was: its uses are given up after their time, and no sooner', async () => {
    const [young, old] = [await asked(), await asked()]
    await age(young.post_id, unconfirmedMs - 60_000)
    await age(old.post_id, unconfirmedMs + 60_000)
    expect(await uses.expire(unconfirmedMs)).toEqual(old.media_ids)
    expect(await usesOf(young.post_id)).toHaveLength(1)
    expect(await usesOf(old.post_id)).toEqual([])
  })
})

describe('over HTTP', () => {
  let service: Service
  beforeAll(async () => {
    service = stack.use(await startService())
  })

  function ask(body: unknown) {
    return service.ask('POST', '/internal/media/uses', { body })
  }

  test('media are given as everybody gets them, and anybody may see them from then on', async () => {
    const user_id = uuid()
    const id = await mediaOf(user_id, 'ready', service.owner)
    expect((await service.ask('GET', `/api/media/${id}`)).status).toBe(404)
    const answer = await ask({ post_id: uuid(), user_id, media_ids: [id] })
    expect(answer.status).toBe(200)
    expect(answer.body.media).toEqual([(await service.ask('GET', `/api/media/${id}`)).body])
    expect(answer.body.media[0].variants).toHaveLength(2)
  })

  test('what cannot be shown is named', async () => {
    const answer = await ask({ post_id: uuid(), user_id: uuid(), media_ids: [uuid()] })
    expect(answer.status).toBe(422)
    expect(answer.body.errors).toEqual([
      { field: 'media_ids.0', message: 'You have uploaded no such media.' },
    ])
  })

  test('of a post that was not stored, they end', async () => {
    const user_id = uuid()
    const id = await mediaOf(user_id, 'ready', service.owner)
    const post_id = uuid()
    await ask({ post_id, user_id, media_ids: [id] })
    const path = `/internal/media/uses/${post_id}`
    expect((await service.ask('DELETE', path)).status).toBe(204)
    expect((await service.ask('GET', `/api/media/${id}`)).status).toBe(404)
    expect((await service.ask('DELETE', '/internal/media/uses/x')).status).toBe(404)
  })

  test.each([
    ['none', []],
    ['five', Array.from({ length: 5 }, () => uuid())],
    ['no id', ['x']],
  ])('%s is refused', async (_name, media_ids) => {
    const answer = await ask({ post_id: uuid(), user_id: uuid(), media_ids })
    expect(answer.status).toBe(422)
  })
})
