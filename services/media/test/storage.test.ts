import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from '@clew/kit/test/eventually'
import { openLink } from '@clew/tests/cuttable-link'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFiles } from '../src/storage/files.ts'
import { openS3 } from '../src/storage/s3.ts'
import type { Storage } from '../src/storage.ts'
import { photo, video } from './pictures.ts'
import { findS3Server, s3Ms, startS3Server } from './s3-server.ts'
import { startService } from './service.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const megabyte = 1024 * 1024
const bucket = 'clew-media'
const s3Server = await findS3Server()

/** A storage, and the names of all files it keeps anywhere. */
type Opened = AsyncDisposable & { storage: Storage; files(): Promise<string[]> }

async function openTestFiles(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'clew-media-'))
  return {
    storage: await openFiles(folder),
    files: () => filesBelow(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function openTestS3(): Promise<Opened> {
  const server = await startS3Server(s3Server as string)
  return {
    storage: openS3({ ...s3Config(server), endpoint: `http://127.0.0.1:${server.port}` }),
    files: () => filesBelow(server.folder),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function s3Config(keys: { accessKey: string; secretKey: string }) {
  const { accessKey, secretKey } = keys
  return { bucket, region: 'us-east-1', accessKey, secretKey }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

function streamOf(bytes: Buffer, chunkBytes = 64 * 1024): Readable {
  return Readable.from(chunksOf(bytes, chunkBytes), { objectMode: false })
}

function* chunksOf(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** What buffers hold, without what nobody holds any more. */
function liveBytes(): number {
  collect()
  return process.memoryUsage().arrayBuffers
}

async function read(storage: Storage, key: string, range?: { start: number; end: number }) {
  const found = await storage.get(key, range)
  if (!found) return undefined
  const bytes = await buffer(found.stream)
  expect(found.bytes).toBe(bytes.length)
  return bytes
}

describe.each([
  ['files', openTestFiles, true],
  ['S3', openTestS3, s3Server !== undefined],
])('storage over %s', (_name, open, here) => {
  let opened: Opened
  let storage: Storage
  beforeAll(async () => {
    if (!here) return
    opened = await open()
    storage = opened.storage
  }, s3Ms)
  afterAll(() => opened?.[Symbol.asyncDispose]())
  const testHere = test.skipIf(!here)

  testHere('gives back what was put', async () => {
    const [key, bytes] = [`${uuid()}/original`, randomBytes(100_000)]
    expect(await storage.put(key, streamOf(bytes))).toEqual({ bytes: 100_000 })
    expect(await read(storage, key)).toEqual(bytes)
    expect(await storage.head(key)).toEqual({ bytes: 100_000 })
  })

  testHere.each([
    [0, 0],
    [0, 99],
    [50_000, 70_000],
    [99_999, 99_999],
    [0, 99_999],
  ])('gives the bytes from %i to %i, both included', async (start, end) => {
    const [key, bytes] = [`${uuid()}/original`, randomBytes(100_000)]
    await storage.put(key, streamOf(bytes))
    expect(await read(storage, key, { start, end })).toEqual(bytes.subarray(start, end + 1))
  })

  testHere('knows nothing of what was never put', async () => {
    const key = `${uuid()}/original`
    expect(await storage.get(key)).toBeUndefined()
    expect(await storage.get(key, { start: 0, end: 9 })).toBeUndefined()
    expect(await storage.head(key)).toBeUndefined()
    await storage.remove(key)
  })

  testHere('removes what was put, and nothing else', async () => {
    const id = uuid()
    for (const name of ['original', 'thumb']) {
      await storage.put(`${id}/${name}`, streamOf(Buffer.from(name)))
    }
    await storage.remove(`${id}/original`)
    expect(await storage.get(`${id}/original`)).toBeUndefined()
    expect(await storage.head(`${id}/original`)).toBeUndefined()
    expect(String(await read(storage, `${id}/thumb`))).toBe('thumb')
    await storage.remove(`${id}/original`)
    await storage.remove(`${id}/thumb`)
    expect(await storage.head(`${id}/thumb`)).toBeUndefined()
  })

  testHere('puts over what there was', async () => {
    const key = `${uuid()}/thumb`
    await storage.put(key, streamOf(randomBytes(9_000)))
    await storage.put(key, streamOf(Buffer.from('newer')))
    expect(String(await read(storage, key))).toBe('newer')
    expect(await storage.head(key)).toEqual({ bytes: 5 })
  })

  testHere.each([
    ['a few bytes', 10_000],
    ['several parts', 12 * megabyte],
  ])('keeps nothing of a put whose source fails after %s', async (_much, size) => {
    const before = await opened.files()
    const [key, trouble] = [`${uuid()}/original`, new Error('the sender went away')]
    const source = Readable.from(
      (function* () {
        yield* chunksOf(randomBytes(size), 64 * 1024)
        throw trouble
      })(),
      { objectMode: false },
    )
    await expect(storage.put(key, source)).rejects.toBe(trouble)
    expect(await storage.head(key)).toBeUndefined()
    expect((await opened.files()).sort()).toEqual(before.sort())
  })

  testHere('keeps what there was when a put over it fails', async () => {
    const key = `${uuid()}/original`
    await storage.put(key, streamOf(Buffer.from('older')))
    const source = streamOf(randomBytes(8 * megabyte))
    source.once('data', () => source.destroy())
    await expect(storage.put(key, source)).rejects.toThrow()
    expect(String(await read(storage, key))).toBe('older')
  })

  testHere('takes several puts at once, of one key too', async () => {
    const [first, second] = [uuid(), uuid()]
    const pieces = [1, 2, 3].map((number) => Buffer.alloc(6 * megabyte, number))
    const puts = pieces.map((piece) => storage.put(`${first}/original`, streamOf(piece)))
    const other = storage.put(`${second}/original`, streamOf(Buffer.from('other')))
    await Promise.all([...puts, other])
    const stored = (await read(storage, `${first}/original`)) as Buffer
    expect(pieces.some((piece) => piece.equals(stored))).toBe(true)
    expect(String(await read(storage, `${second}/original`))).toBe('other')
  })

  testHere('a reader who goes away holds nothing up', async () => {
    const key = `${uuid()}/original`
    await storage.put(key, streamOf(randomBytes(8 * megabyte)))
    for (let times = 0; times < 60; times++) (await storage.get(key))?.stream.destroy()
    expect(await storage.head(key)).toEqual({ bytes: 8 * megabyte })
  })

  testHere('48 MB pass through without being held in memory', async () => {
    const piece = randomBytes(megabyte)
    const key = `${uuid()}/original`
    const [before, samples] = [liveBytes(), [0]]
    let given = 0
    const source = Readable.from(
      (async function* () {
        for (; given < 48; given++) {
          yield piece
          await sleep(5)
          if (given % 4 === 0) samples.push(liveBytes() - before)
        }
      })(),
      { objectMode: false },
    )
    await storage.put(key, source)
    expect(given).toBe(48)
    const found = await storage.get(key)
    let bytes = 0
    for await (const chunk of found?.stream ?? []) {
      bytes += chunk.length
      if (bytes % (4 * megabyte) < chunk.length) samples.push(liveBytes() - before)
    }
    expect(bytes).toBe(48 * megabyte)
    // Over S3 some parts of 5 MB are under way.
    expect(Math.max(...samples)).toBeLessThan(28 * megabyte)
  })
})

describe.skipIf(!s3Server)('S3', () => {
  const stack = new AsyncDisposableStack()
  let server: Awaited<ReturnType<typeof startS3Server>>
  let link: Awaited<ReturnType<typeof openLink>>
  let storage: Storage
  beforeAll(async () => {
    server = stack.use(await startS3Server(s3Server as string))
    link = stack.use(await openLink(server.port))
    storage = openS3({ ...s3Config(server), endpoint: `http://127.0.0.1:${link.port}` })
  })
  afterAll(() => stack.disposeAsync())
  const away = { status: 503, headers: { 'retry-after': '5' } }

  function everyVerb(key: string, on = storage): Promise<unknown>[] {
    const small = on.put(`${key}-small`, streamOf(randomBytes(1_000)))
    const large = on.put(`${key}-large`, streamOf(randomBytes(12 * megabyte)))
    return [small, large, on.get(key), on.head(key), on.remove(key)]
  }

  async function expectAway(verbs: Promise<unknown>[]): Promise<void> {
    for (const end of await Promise.allSettled(verbs)) {
      expect(end).toMatchObject({ status: 'rejected', reason: away })
    }
  }

  test('may be away when a service starts', async () => {
    const key = `${uuid()}/original`
    link.cut()
    await expect(storage.put(key, streamOf(randomBytes(10)))).rejects.toMatchObject(away)
    link.mend()
    expect(await storage.put(key, streamOf(randomBytes(10)))).toEqual({ bytes: 10 })
  })

  test('gone is trouble that may pass, for every verb, and nothing is left of it', async () => {
    const key = `${uuid()}/original`
    await storage.put(key, streamOf(Buffer.from('whole')))
    link.cut()
    await expectAway(everyVerb(key))
    link.mend()
    expect(String(await read(storage, key))).toBe('whole')
    for (const name of ['small', 'large']) {
      expect(await storage.head(`${key}-${name}`)).toBeUndefined()
    }
  })

  test('that hangs is waited for only so long', async () => {
    const key = `${uuid()}/original`
    await storage.put(key, streamOf(Buffer.from('whole')))
    const endpoint = `http://127.0.0.1:${link.port}`
    const patience = { answerMs: 200, partMs: 400 }
    const hasty = openS3({ ...s3Config(server), endpoint }, patience)
    await hasty.head(key)
    link.stall()
    await expectAway(everyVerb(key, hasty))
    link.mend()
    expect(String(await read(storage, key))).toBe('whole')
  })

  test('that goes in the middle of a put keeps parts only until they are removed', async () => {
    const key = `${uuid()}/original`
    const before = await filesBelow(server.folder)
    const partsKept = async () => (await filesBelow(server.folder)).length > before.length
    const source = Readable.from(
      (async function* () {
        for (let sent = 0; sent < 20; sent++) {
          if (sent === 12) await eventually(partsKept)
          if (sent === 12) link.cut()
          yield randomBytes(megabyte)
        }
      })(),
      { objectMode: false },
    )
    await expect(storage.put(key, source)).rejects.toMatchObject(away)
    link.mend()
    expect(await partsKept()).toBe(true)
    await storage.remove(key)
    expect((await filesBelow(server.folder)).sort()).toEqual(before.sort())
  })

  test('refusing our key is trouble, not an absent object', async () => {
    const endpoint = `http://127.0.0.1:${server.port}`
    const stranger = openS3({ ...s3Config(server), endpoint, secretKey: 'wrong' })
    await expect(stranger.head('a/original')).rejects.toMatchObject(away)
    await expect(stranger.get('a/original')).rejects.toMatchObject(away)
  })

  test('carries what a person uploads, there and back', async () => {
    await using service = await startService({
      env: {
        MEDIA_STORAGE: 's3',
        MEDIA_S3_ENDPOINT: `http://127.0.0.1:${link.port}`,
        MEDIA_S3_BUCKET: bucket,
        MEDIA_S3_ACCESS_KEY: server.accessKey,
        MEDIA_S3_SECRET_KEY: server.secretKey,
      },
    })
    const person = await service.person()
    const film = video(7 * megabyte)
    const uploaded = await service.upload(person, film)
    expect(uploaded.status).toBe(201)
    expect(await service.spanNames(uploaded)).toContain('put object')
    const token = { authorization: `Bearer ${person.token}` }
    const path = `/media/${uploaded.body.id}/video`
    const part = await service.get(path, { ...token, range: 'bytes=5000000-5000099' })
    expect(part.status).toBe(206)
    expect(part.bytes).toEqual(film.subarray(5_000_000, 5_000_100))
    const image = await service.upload(person, await photo().jpeg().toBuffer())
    expect(image.body).toMatchObject({ status: 'processing', width: 48, height: 64 })

    link.cut()
    const away = await service.upload(person, video(2 * megabyte))
    expect(away.status).toBe(503)
    expect((await service.get(path, token)).status).toBe(503)
    link.mend()
    expect((await service.get(path, token)).bytes).toHaveLength(film.length)
    const deleted = await service.ask('DELETE', `/api/media/${uploaded.body.id}`, person)
    expect(deleted.status).toBe(204)
    expect(await storage.head(`${uploaded.body.id}/original`)).toBeUndefined()
  })
})
