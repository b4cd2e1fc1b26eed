import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Logger } from '@clew/kit/log'
import { runUntraced } from '@clew/telemetry/untraced'
import { v7 as uuid } from 'uuid'
import { bytesAtMost, openBody, tooLarge } from './body.ts'
import { type ByteReader, createByteReader, gather } from './byte-reader.ts'
import { headBytes, readContentType } from './content-type.ts'
import type { CheckImage } from './image.ts'
import { openLocal } from './local-copy.ts'
import { isVideo, keyOf, type Media } from './media.ts'
import { type ContentType, removeLocation } from './metadata.ts'
import { type FilePart, formBytesAtMost, isMultipart, openFilePart } from './multipart.ts'
import type { Removal } from './removal.ts'
import { type Storage, StorageAway } from './storage.ts'
import type { Store } from './store.ts'
import { createTurns } from './turns.ts'

/** `again`: this person had uploaded these bytes before. */
export type Uploaded = { media: Media; again: boolean }
export type Upload = (userId: string, incoming: IncomingMessage) => Promise<Uploaded>
type Deps = {
  store: Store
  storage: Storage
  removal: Removal
  checkImage: CheckImage
  log: Logger
}

// Twice before the sweeper, in 40 s, would take it for abandoned.
const touchMs = 15_000
const perPersonAtOnce = 8

/** Brings a request's body into storage, in pieces, and leaves nothing of one that goes wrong. */
export function createUpload({ store, storage, removal, checkImage, log }: Deps): Upload {
  async function keep(userId: string, type: ContentType, bytes: ByteReader, file: FilePart) {
    const id = uuid()
    const key = keyOf(id, 'original')
    await store.begin(id, userId)
    const touching = setInterval(() => runUntraced(() => touch(id)), touchMs)
    try {
      const sha = createHash('sha256')
      const pieces = hashed(gather(removeLocation(type, bytes)), (piece) => sha.update(piece))
      const put = await storage.put(key, Readable.from(pieces, { objectMode: false }))
      await file.whole
      const size = isVideo(type) ? { width: null, height: null } : await check(key, type)
      const finished = { content_type: type, bytes: put.bytes, ...size, sha256: sha.digest() }
      const uploaded = await store.finish(id, finished)
      if (uploaded.again) await removal.giveUp(id)
      return uploaded
    } catch (error) {
      await (error instanceof StorageAway ? removal.leave(id) : removal.giveUp(id))
      throw error
    } finally {
      clearInterval(touching)
    }
  }
  async function check(key: string, type: ContentType) {
    await using local = await openLocal(storage, key)
    return await checkImage(local.path, type)
  }
  function touch(id: string) {
    store.touch(id).catch((error) => log.warn({ err: error, media: id }, 'upload not touched'))
  }
  async function receive(userId: string, incoming: IncomingMessage): Promise<Uploaded> {
    const form = isMultipart(incoming.headers)
    const body = openBody(incoming, form ? bytesAtMost + formBytesAtMost : bytesAtMost)
    try {
      const file = form
        ? await openFilePart(incoming.headers, body)
        : { stream: body, whole: Promise.resolve() }
      const bytes = createByteReader(limited(file.stream))
      const type = await readContentType(await bytes.peek(headBytes))
      return await keep(userId, type, bytes, file)
    } finally {
      body.destroy()
    }
  }
  const take = createTurns(perPersonAtOnce)
  return (userId, incoming) => take(userId, () => receive(userId, incoming))
}

async function* limited(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of file) {
    bytes += chunk.length
    if (bytes > bytesAtMost) throw tooLarge()
    yield chunk
  }
}

async function* hashed(source: AsyncIterable<Buffer>, update: (piece: Buffer) => void) {
  for await (const piece of source) {
    update(piece)
    yield piece
  }
}
