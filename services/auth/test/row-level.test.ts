import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Auth, resident, sessionOf, startAuth } from './start-auth.ts'

let auth: Auth
let asAuth: pg.Client
beforeAll(async () => {
  auth = await startAuth()
  asAuth = new pg.Client({ connectionString: auth.database.url })
  asAuth.on('error', () => {})
  await asAuth.connect()
})
afterAll(async () => {
  await asAuth.end()
  await auth[Symbol.asyncDispose]()
})

/** What the service's role gets while it says it works for `userId`. */
async function as(userId: string, text: string, values: unknown[] = []) {
  try {
    await asAuth.query('begin')
    await asAuth.query(`select set_config('app.user_id', $1, true)`, [userId])
    return (await asAuth.query(text, values)).rows
  } finally {
    await asAuth.query('rollback')
  }
}

describe('sessions, seen by the role auth', () => {
  it('are those of the person it works for, and no others', async () => {
    const [ada, bob] = [await resident(auth), await resident(auth)]
    const mine = await as(ada.id, 'select id from sessions')
    expect(mine).toEqual([{ id: sessionOf(ada.token) }])
    const theirs = [sessionOf(bob.token)]
    expect(await as(ada.id, 'select id from sessions where id = $1', theirs)).toEqual([])
    expect(
      await as(ada.id, 'update sessions set revoked_at = now() where id = $1 returning id', theirs),
    ).toEqual([])
    expect(await as(ada.id, 'delete from sessions where id = $1 returning id', theirs)).toEqual([])
  })

  it('are none when it works for nobody', async () => {
    await resident(auth)
    expect((await asAuth.query('select id from sessions')).rows).toEqual([])
    expect(await as('', 'select id from sessions')).toEqual([])
  })

  it('cannot be begun, or handed over, in the name of somebody else', async () => {
    const [ada, bob] = [await resident(auth), await resident(auth)]
    const begin = `insert into sessions (id, user_id, provider, expires_at)
      values (gen_random_uuid(), $1, 'password', now())`
    await expect(as(ada.id, begin, [bob.id])).rejects.toThrow(/row-level security/)
    const handOver = 'update sessions set user_id = $1'
    await expect(as(ada.id, handOver, [bob.id])).rejects.toThrow(/row-level security/)
  })

  it('stay so: the role owns nothing and may not change the rule', async () => {
    await expect(asAuth.query('alter table sessions disable row level security')).rejects.toThrow(
      /must be owner/,
    )
    await expect(asAuth.query('set role clew')).rejects.toThrow(/permission denied/)
    const [table] = await auth.rows(
      `select relrowsecurity, relforcerowsecurity from pg_class where relname = 'sessions'`,
    )
    expect(table).toEqual({ relrowsecurity: true, relforcerowsecurity: true })
  })
})
