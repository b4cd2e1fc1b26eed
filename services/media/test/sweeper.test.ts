import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createLogger } from '@clew/kit/log'
import { openPostgres, type Postgres } from '@clew/kit/postgres'
import { eventually } from '@clew/kit/test/eventually'
import { startAuth } from '@clew/tests/neighbours'
import { findPort, startProcess } from '@clew/tests/one-service'
import { openTestDatabase, openTestRedis } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Status } from '../src/media.ts'
import { createRemoval } from '../src/removal.ts'
import { openFiles } from '../src/storage/files.ts'
import type { Storage } from '../src/storage.ts'
import { createStore } from '../src/store.ts'
import { createSweeper, type Times } from '../src/sweeper.ts'
import { createUses } from '../src/uses.ts'
import { picture } from './pictures.ts'

const log = createLogger('test')
log.level = 'silent'

let stack: AsyncDisposableStack
let databaseUrl: string
let owner: Postgres
let folder: string
let storage: Storage

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  const database = stack.use(await openTestDatabase('media'))
  databaseUrl = database.url
  owner = stack.use(openPostgres(database.ownerUrl))
  folder = await mkdtemp(join(tmpdir(), 'clew-media-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  storage = await openFiles(folder)
})
afterEach(() => stack.disposeAsync())

function sweeper(times?: Partial<Times>) {
  const postgres = stack.use(openPostgres(databaseUrl))
  const removal = createRemoval(storage, createStore(postgres), log)
  return createSweeper({ postgres, removal, uses: createUses(postgres), log }, times)
}

async function media(status: Status, untouchedMs = 0): Promise<string> {
  const id = uuid()
  await owner.query(
    `insert into media (id, owner_id, status, content_type, bytes, sha256, touched_at)
     values ($1, $1, $2, 'video/mp4', 1, $3, now() - $4 * interval '1 ms')`,
    [id, status, createHash('sha256').update(id).digest(), untouchedMs],
  )
  for (const name of ['original', 'thumb', 'card']) {
    await storage.put(`${id}/${name}`, Readable.from([Buffer.from(name)]))
  }
  return id
}

async function rows(): Promise<string[]> {
  const found = await owner.query<{ id: string }>('select id from media order by id')
  return found.map(({ id }) => id)
}

async function objects(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath }) => parentPath)
}

/** Ids in the facts that wait to be sent. */
async function stated(type: string): Promise<string[]> {
  const facts = await owner.query<{ id: string }>(
    `select payload->>'media_id' as id from outbox where type = $1 order by id`,
    [type],
  )
  return facts.map(({ id }) => id)
}

/** Neither rows nor bytes but these. */
async function expectKept(ids: string[]): Promise<void> {
  expect(await rows()).toEqual([...ids].sort())
  const folders = new Set(await objects())
  expect([...folders].sort()).toEqual(ids.map((id) => join(folder, id)).sort())
}

describe('a look', () => {
  test('removes uploads that nobody goes on with, and leaves all others', async () => {
    const going = await media('uploading', 35_000)
    await media('uploading', 45_000)
    const old = 3_600_000
    const whole = await Promise.all(
      (['processing', 'ready', 'failed'] as const).map((status) => media(status, old)),
    )
    await sweeper().sweep()
    await expectKept([going, ...whole])
  })

  test('ends removals that broke off after any step, and leaves those under way', async () => {
    const going = await media('deleting', 20_000)
    for (const removed of [[], ['original'], ['original', 'thumb', 'card']]) {
      const id = await media('deleting', 35_000)
      for (const name of removed) await storage.remove(`${id}/${name}`)
    }
    await sweeper().sweep()
    await expectKept([going])
  })

  test('finds what a put that was killed had written', async () => {
    const id = await media('uploading', 45_000)
    await writeFile(join(folder, id, 'original.part-of-it'), 'half')
    await sweeper().sweep()
    await expectKept([])
  })

  test('keeps the row while the storage is away, and comes back to it', async () => {
    const id = await media('uploading', 45_000)
    const own = sweeper({ removingMs: 0 })
    const away = join(folder, id)
    const kept = await readdir(away)
    await rm(away, { recursive: true })
    await writeFile(away, 'no folder')
    await own.sweep()
    expect(await rows()).toEqual([id])
    await rm(away)
    await mkdir(away)
    for (const name of kept) await writeFile(join(away, name), '')
    await own.sweep()
    await expectKept([])
  })

  test('marks an upload first, so that one that lives after all is refused its end', async () => {
    const id = uuid()
    const store = createStore(owner)
    await store.begin(id, uuid())
    await owner.query(`update media set touched_at = now() - interval '1 h' where id = $1`, [id])
    await sweeper().sweep()
    const finished = { content_type: 'video/mp4', bytes: 1, width: null, height: null }
    const finish = store.finish(id, { ...finished, sha256: Buffer.from('x') })
    await expect(finish).rejects.toMatchObject({ status: 503 })
    await expectKept([])
  })

  test('gives up uses without a post, and states in the same breath what nobody shows any more', async () => {
    const [alone, shared] = [await media('ready'), await media('ready')]
    const late = `insert into uses (media_id, post_id, confirmed, created_at)
      values ($1, $2, $3, now() - interval '11 min')`
    await owner.query(late, [alone, uuid(), false])
    await owner.query(late, [shared, uuid(), false])
    await owner.query(late, [shared, uuid(), true])
    await sweeper().sweep()
    expect(await stated('media.hidden')).toEqual([alone])
    expect(await owner.query('select media_id from uses')).toEqual([{ media_id: shared }])
    await expectKept([alone, shared])
  })

  test('has pictures made whose variants nobody makes, ever more seldom', async () => {
    const lost = await media('processing', 301_000)
    const [young, done] = [await media('processing', 290_000), await media('ready', 600_000)]
    const age = `update media set created_at = created_at - $1 * interval '1 ms',
      touched_at = touched_at - $1 * interval '1 ms'`
    await owner.query(`update media set created_at = touched_at`)
    await sweeper().sweep()
    await sweeper().sweep()
    expect(await stated('media.uploaded')).toEqual([lost])
    // The first took five minutes, and so the next may take as long.
    await owner.query(`${age} where id = $2`, [295_000, lost])
    await sweeper().sweep()
    expect(await stated('media.uploaded')).toEqual([lost])
    await owner.query(`${age} where id = $2`, [15_000, lost])
    await sweeper().sweep()
    expect(await stated('media.uploaded')).toEqual([lost, lost])
    await owner.query(`${age} where id = $2`, [310_000, lost])
    await sweeper().sweep()
    expect(await stated('media.uploaded')).toEqual([lost, lost])
    await expectKept([lost, young, done])
  })

  test('survives that Postgres is away', async () => {
    const postgres = stack.use(openPostgres('postgres://media:media@127.0.0.1:1/media'))
    const removal = createRemoval(storage, createStore(postgres), log)
    const uses = createUses(postgres)
    await createSweeper({ postgres, removal, uses, log }).sweep()
  })

  test('is repeated until it is told to stop', async () => {
    const sweeping = sweeper({ everyMs: 20 }).start()
    for (let times = 0; times < 2; times++) {
      const id = await media('ready', 60_000)
      await owner.query(`update media set status = 'deleting' where id = $1`, [id])
      await eventually(async () => (await rows()).length === 0)
    }
    await sweeping[Symbol.asyncDispose]()
    const left = await media('deleting', 60_000)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await expectKept([left])
  })

  test('by two at once removes each thing once', async () => {
    for (let count = 0; count < 20; count++) await media('deleting', 60_000)
    await Promise.all([sweeper().sweep(), sweeper().sweep()])
    await expectKept([])
  })
})

describe('the service killed', () => {
  let auth: Awaited<ReturnType<typeof startAuth>>
  beforeAll(async () => {
    auth = await startAuth()
  })
  afterAll(() => auth[Symbol.asyncDispose]())

  async function startMedia() {
    const redis = stack.use(await openTestRedis('media'))
    const port = await findPort()
    const child = startProcess('services/media/src/main.ts', {
      CLEW_STATSD: '127.0.0.1:9',
      CLEW_TELEMETRY: 'off',
      OTEL_SERVICE_NAME: 'media',
      AUTH_URL: auth.url,
      MEDIA_PORT: String(port),
      MEDIA_DATABASE_URL: databaseUrl,
      MEDIA_REDIS_URL: redis.url,
      MEDIA_FOLDER: folder,
    })
    stack.defer(async () => void (await child.stop()))
    const url = `http://127.0.0.1:${port}`
    await eventually(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok)
    return { child, url, token: await auth.sign({ sub: uuid() }) }
  }

  test('in the middle of an upload: row and bytes are gone after their time', async () => {
    const { child, url, token } = await startMedia()
    const bytes = await picture(800, 600).png().toBuffer()
    const sending = request(`${url}/api/media`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-length': bytes.length },
    })
    sending.on('error', () => {})
    sending.write(bytes.subarray(0, 400_000))
    await eventually(async () => (await objects()).length > 0)
    await child.kill()
    expect(await rows()).toHaveLength(1)
    await sweeper().sweep()
    expect(await rows()).toHaveLength(1)
    await sweeper({ abandonedMs: 0 }).sweep()
    await expectKept([])
  })

  test('in the middle of a deletion: row and bytes are gone after their time', async () => {
    const { child, url, token } = await startMedia()
    const headers = { authorization: `Bearer ${token}` }
    const body = new Uint8Array(await picture(64, 48).png().toBuffer())
    const answer = await fetch(`${url}/api/media`, { method: 'POST', headers, body })
    const { id } = (await answer.json()) as { id: string }
    // Keeps the last step from being made: by then the bytes are gone, and the row is not.
    await owner.query(`create function refuse() returns trigger language plpgsql
      as 'begin raise exception ''not yet''; end'`)
    await owner.query(`create trigger refuse before delete on media execute function refuse()`)
    await fetch(`${url}/api/media/${id}`, { method: 'DELETE', headers })
    await child.kill()
    expect(await rows()).toEqual([id])
    expect(await objects()).toEqual([])
    await owner.query('drop trigger refuse on media')
    await sweeper({ removingMs: 0 }).sweep()
    await expectKept([])
  })
})
