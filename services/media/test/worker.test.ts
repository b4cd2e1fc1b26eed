import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { eventually } from '@clew/kit/test/eventually'
import sharp from 'sharp'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { photo, picture } from './pictures.ts'
import { startGateway, startWorker, type Worker } from './worker.ts'

// Read when the module is: on a busy machine an answer can take more than the usual 50 ms.
vi.hoisted(() => {
  process.env.CLEW_REDIS_PATIENCE_MS = '5000'
})

/** Quicker to come by than noise of that size, and as slow to decode. */
const large = picture(400, 300).resize(4_000, 3_000).jpeg()

const stack = new AsyncDisposableStack()
let gateway: Awaited<ReturnType<typeof startGateway>>
let worker: Worker

beforeAll(async () => {
  gateway = stack.use(await startGateway())
  worker = stack.use(await startWorker(gateway.url))
})
afterAll(() => stack.disposeAsync())

function uploaded(media_id: string) {
  return worker.state('events:media', 'media.uploaded', { media_id, user_id: uuid() })
}

async function variantsOf(id: string) {
  return worker.owner.query<{ name: string; bytes: number; width: number; height: number }>(
    'select name, bytes, width, height from variants where media_id = $1 order by width',
    [id],
  )
}

async function stored(key: string): Promise<Buffer> {
  const found = await worker.storage.get(key)
  return buffer(found?.stream ?? Readable.from([]))
}

/** What relays brought to the stream about one media. */
async function facts(type: string, id: string): Promise<number> {
  const entries = await worker.redis.run({
    command: 'XRANGE',
    on: 'events:media',
    send: (client) => client.xRange('events:media', '-', '+'),
  })
  return (entries ?? []).filter(
    ({ message }) => message.type === type && message.payload?.includes(id),
  ).length
}

describe('an uploaded picture', () => {
  test('gets its variants, is ready, and says so', async () => {
    const id = await worker.upload(await photo(2_000, 1_000).jpeg().toBuffer(), {
      width: 1_000,
      height: 2_000,
    })
    await uploaded(id)
    await eventually(async () => (await worker.status(id)) === 'ready')
    const sizes = [
      { name: 'thumb', width: 160, height: 320 },
      { name: 'card', width: 640, height: 1_280 },
    ]
    expect(await variantsOf(id)).toMatchObject(sizes)
    for (const { name, bytes, ...size } of await variantsOf(id)) {
      const made = await stored(`${id}/${name}`)
      expect(made.length).toBe(bytes)
      expect(await sharp(made).metadata()).toMatchObject({ format: 'webp', ...size })
    }
    expect(await eventually(async () => (await facts('media.ready', id)) === 1)).toBe(true)
  })

  test('leaves a trace of each step, within that of the upload', async () => {
    const id = await worker.upload(await picture(640, 480).jpeg().toBuffer())
    const { trace, span } = await uploaded(id)
    const spans = () => worker.spans().filter(({ traceId }) => traceId === trace)
    const consumer = await eventually(() => spans().find(({ kind }) => kind === 'CONSUMER'))
    expect(consumer).toMatchObject({ name: 'process events:media', parentId: span })
    const below = spans().filter(({ parentId }) => parentId === consumer.id)
    expect(below.map(({ name }) => name)).toEqual([
      'SELECT media',
      'decode image',
      'make thumb',
      'put object',
      'make card',
      'put object',
      'BEGIN',
      'UPDATE media',
      'INSERT variants',
      'publish events:media',
      'COMMIT',
    ])
  })

  test('stated twice is made once', async () => {
    const id = await worker.upload(await picture(640, 480).jpeg().toBuffer())
    await Promise.all([uploaded(id), uploaded(id), uploaded(id)])
    await worker.settled()
    expect(await worker.status(id)).toBe('ready')
    expect(await variantsOf(id)).toHaveLength(2)
    await eventually(async () => (await facts('media.ready', id)) === 1)
  })

  test('that cannot be decoded has failed, and is not tried again', async () => {
    const whole = await picture(640, 480).jpeg().toBuffer()
    const id = await worker.upload(whole.subarray(0, whole.length / 2))
    const { trace } = await uploaded(id)
    await worker.settled()
    expect(await worker.status(id)).toBe('failed')
    expect(await variantsOf(id)).toEqual([])
    const tried = () =>
      worker.spans().filter((span) => span.traceId === trace && span.kind === 'CONSUMER')
    await eventually(() => tried().length > 0)
    expect(tried()).toHaveLength(1)
    expect(tried()[0]?.status).not.toBe('error')
  })

  test('waits for the storage, and for Postgres', async () => {
    const id = await worker.upload(await picture(640, 480).jpeg().toBuffer())
    await rename(worker.folder, `${worker.folder}-away`)
    // A file in its place: a folder that is merely missing holds no objects.

    await writeFile(worker.folder, '')
    const { trace } = await uploaded(id)
    const failed = () => worker.spans().some((s) => s.traceId === trace && s.status === 'error')
    await eventually(failed)
    expect(await worker.status(id)).toBe('processing')
    await rm(worker.folder)
    await rename(`${worker.folder}-away`, worker.folder)
    await worker.settled()
    expect(await worker.status(id)).toBe('ready')

    const other = await worker.upload(await picture(640, 480).jpeg().toBuffer())
    worker.database.cut()
    const { trace: second } = await uploaded(other)
    await eventually(() =>
      worker.spans().some((s) => s.traceId === second && s.kind === 'CONSUMER'),
    )
    worker.database.mend()
    await worker.settled()
    expect(await worker.status(other)).toBe('ready')
  })

  test('deleted before its turn leaves nothing', async () => {
    const id = uuid()
    // As the worker that made them left it when it was killed.
    for (const name of ['thumb', 'card']) {
      await worker.storage.put(`${id}/${name}`, Readable.from([Buffer.from('left')]))
    }
    await uploaded(id)
    await worker.settled()
    expect((await worker.objects()).filter((key) => key.startsWith(id))).toEqual([])
  })

  test('deleted while it is made leaves nothing', async () => {
    const id = await worker.upload(await large.clone().toBuffer(), {
      width: 4_000,
      height: 3_000,
    })
    await uploaded(id)
    await eventually(async () => (await worker.objects()).includes(`${id}/thumb`))
    await worker.owner.query('delete from media where id = $1', [id])
    for (const name of ['original', 'thumb']) await worker.storage.remove(`${id}/${name}`)
    await worker.settled()
    expect((await worker.objects()).filter((key) => key.startsWith(id))).toEqual([])
  })
})

describe('the worker', () => {
  test('gives way to every other process, with each of its threads', async () => {
    const tasks = `/proc/${worker.pid()}/task`
    const nices = await Promise.all(
      (await readdir(tasks)).map(async (thread) => {
        const stat = await readFile(`${tasks}/${thread}/stat`, 'utf8')
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
      }),
    )
    expect(nices.length).toBeGreaterThan(4)
    expect(new Set(nices)).toEqual(new Set([10]))
  })

  test('makes one at once, two where there are cores for it, and not more', async () => {
    const photograph = await large.clone().toBuffer()
    const ids = await Promise.all([1, 2, 3, 4].map(() => worker.upload(photograph)))
    const traces = await Promise.all(ids.map(async (id) => (await uploaded(id)).trace))
    await worker.settled()
    const handled = () =>
      worker.spans().filter((s) => traces.includes(s.traceId) && s.kind === 'CONSUMER')
    await eventually(() => handled().length === 4)
    const atOnce = handled().map(
      (one) => handled().filter((s) => s.start <= one.start && s.end > one.start).length,
    )
    expect(Math.max(...atOnce)).toBe(availableParallelism() > 2 ? 2 : 1)
  })

  test('killed in the middle is followed by one that does it again, and nothing is half made', async () => {
    const photograph = await large.clone().toBuffer()
    const size = { width: 4_000, height: 3_000 }
    const ids = await Promise.all([1, 2, 3].map(() => worker.upload(photograph, size)))
    for (const id of ids) await uploaded(id)
    await eventually(async () => (await worker.objects()).includes(`${ids[0]}/thumb`))
    await worker.kill()
    expect(await worker.status(ids[0] as string)).toBe('processing')
    await worker.start()
    await worker.settled()
    for (const id of ids) {
      expect(await worker.status(id)).toBe('ready')
      expect(await variantsOf(id)).toHaveLength(2)
      const kept = (await worker.objects()).filter((key) => key.startsWith(id))
      expect(kept).toEqual(['card', 'original', 'thumb'].map((name) => `${id}/${name}`))
      for (const name of ['thumb', 'card']) await sharp(await stored(`${id}/${name}`)).stats()
    }
  })
})

describe("the gateway's cache", () => {
  test.each(['media.deleted', 'media.hidden'])('is refreshed by %s', async (type) => {
    gateway.answer(404)
    const id = uuid()
    const { trace, span } = await worker.state('events:media', type, { media_id: id })
    await worker.settled()
    const asked = gateway.asked.filter(({ path }) => path.includes(id)).slice(0, 3)
    expect(asked.map(({ path }) => path)).toEqual(
      ['original', 'thumb', 'card'].map((name) => `GET /media/${id}/${name}`),
    )
    for (const { key, traceparent } of asked) {
      expect(key).toBe('open sesame')
      expect(traceparent).toContain(trace)
    }
    const spans = () => worker.spans().filter(({ traceId }) => traceId === trace)
    const consumer = await eventually(() => spans().find(({ kind }) => kind === 'CONSUMER'))
    expect(consumer.parentId).toBe(span)
    const calls = spans().filter(({ parentId }) => parentId === consumer.id)
    expect(calls.map(({ name, kind }) => `${kind} ${name}`)).toEqual(
      Array(3).fill('CLIENT GET /media/{id}/{variant}'),
    )
  })

  test.each([
    ['fails', 502, {}],
    ['gives what it had', 200, { 'x-cache': 'stale' }],
  ])('is refreshed again while the gateway %s', async (_how, status, headers) => {
    const id = uuid()
    gateway.answer(status, headers as Record<string, string>)
    await worker.state('events:media', 'media.deleted', { media_id: id })
    const asked = () => gateway.asked.filter(({ path }) => path.includes(id)).length
    await eventually(() => asked() >= 2)
    gateway.answer(404)
    await worker.settled()
    expect(asked()).toBeGreaterThanOrEqual(5)
  })

  test('is refreshed once more, should a fill have been under way', async () => {
    gateway.answer(404)
    const id = uuid()
    await worker.state('events:media', 'media.hidden', { media_id: id })
    await worker.settled()
    const asked = () => gateway.asked.filter(({ path }) => path.includes(id))
    await eventually(() => asked().length >= 6)
    expect(new Set(asked().map(({ path }) => path)).size).toBe(3)
  })

  test('does not wait for photos, nor these for the gateway', async () => {
    const photograph = await large.clone().toBuffer()
    const ids = await Promise.all([1, 2, 3, 4, 5, 6].map(() => worker.upload(photograph)))
    const gone = uuid()
    gateway.answer(404)
    for (const id of ids) await uploaded(id)
    await worker.state('events:media', 'media.deleted', { media_id: gone })
    await eventually(() => gateway.asked.some(({ path }) => path.includes(gone)))
    expect(await Promise.all(ids.map((id) => worker.status(id)))).toContain('processing')
    gateway.answer(502)
    const id = await worker.upload(await picture(640, 480).jpeg().toBuffer())
    await worker.state('events:media', 'media.deleted', { media_id: uuid() })
    await uploaded(id)
    await eventually(async () => (await worker.status(id)) === 'ready')
    gateway.answer(404)
    await worker.settled()
  })

  test('keeps what everybody may see again meanwhile', async () => {
    const id = uuid()
    gateway.answer(200, { 'x-cache': 'miss' })
    await worker.state('events:media', 'media.hidden', { media_id: id })
    await worker.settled()
    const asked = gateway.asked.filter(({ path }) => path.includes(id))
    expect(new Set(asked.map(({ path }) => path)).size).toBe(3)
  })
})

test('what follows posts reaches the uses', async () => {
  const author = uuid()
  const id = await worker.row({ owner: author, status: 'ready' })
  const post_id = uuid()
  await worker.owner.query('insert into uses (media_id, post_id) values ($1, $2)', [id, post_id])
  const post = { post_id, user_id: author, media_ids: [id], created_at: new Date() }
  const { trace } = await worker.state('events:feed', 'post.created', post)
  await worker.settled()
  const confirmed = await worker.owner.query('select confirmed from uses where media_id = $1', [id])
  expect(confirmed).toEqual([{ confirmed: true }])
  const linked = () => worker.spans().find(({ links }) => links[0]?.traceId === trace)
  expect((await eventually(linked)).name).toBe('process events:feed')

  gateway.answer(404)
  await worker.state('events:feed', 'post.deleted', { post_id, user_id: author })
  await eventually(() => gateway.asked.some(({ path }) => path.includes(id)))
  expect(await worker.owner.query('select 1 from uses where media_id = $1', [id])).toEqual([])
})

test('answers for its health, and ends by itself', async () => {
  const paths = ['/livez', '/readyz', '/other']
  const statuses = await Promise.all(
    paths.map(async (path) => (await fetch(worker.url + path)).status),
  )
  expect(statuses).toEqual([200, 200, 404])
  expect(await worker.stop()).toBe(0)
})
