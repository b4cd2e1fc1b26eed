import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { Config } from '../config.ts'
import { type Storage, storageAway } from '../storage.ts'
import { createS3Client, isAbsent, makeBucket, type Quick } from './s3-client.ts'

// The smallest that S3 takes. Two of them are in memory for each upload.
const partBytes = 5 * 1024 * 1024
const partsAtOnce = 2
const patience = { answerMs: 3_000, partMs: 15_000 }

/**
 * Objects in a bucket, which is made when there is none. Nothing is asked of S3 before the first
 * use, so a service starts while it is away. Waits at most 3 s for an answer, 15 s for one to a
 * part of 5 MB, and tries each request twice.
 */
export function openS3(config: Config['s3'], { answerMs, partMs } = patience): Storage {
  const { bucket: Bucket } = config
  const client = createS3Client(config, partMs)
  const quick: Quick = { requestTimeout: answerMs }
  let bucket: Promise<unknown> | undefined

  /** The bucket is looked for once, and again after every trouble. */
  async function orAway<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      bucket ??= makeBucket(client, Bucket, quick)
      await bucket
      return await work()
    } catch (error) {
      if (isAbsent(error)) throw error
      bucket = undefined
      throw storageAway(error)
    }
  }
  async function orAbsent<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await orAway(work)
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
  }

  return {
    async put(Key, source) {
      const watched = watch(source)
      try {
        await orAway(() => {
          const params = { Bucket, Key, Body: watched.stream }
          const limits = { partSize: partBytes, queueSize: partsAtOnce }
          return new Upload({ client, params, ...limits }).done()
        })
        return { bytes: watched.bytes() }
      } catch (error) {
        source.destroy()
        throw watched.failure() ?? error
      }
    },
    get: (Key, range) =>
      orAbsent(async () => {
        const Range = range && `bytes=${range.start}-${range.end}`
        const found = await client.send(new GetObjectCommand({ Bucket, Key, Range }), quick)
        return { stream: found.Body as Readable, bytes: found.ContentLength ?? 0 }
      }),
    head: (Key) =>
      orAbsent(async () => {
        const found = await client.send(new HeadObjectCommand({ Bucket, Key }), quick)
        return { bytes: found.ContentLength ?? 0 }
      }),
    remove: (Key) =>
      orAway(async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key }), quick)
        await removeParts(Key)
      }),
  }

  /** What an upload that was killed had sent: S3 would keep it for ever, where nobody sees it. */
  async function removeParts(key: string): Promise<void> {
    const begun = new ListMultipartUploadsCommand({ Bucket, Prefix: key })
    const { Uploads = [] } = await client.send(begun, quick)
    for (const { Key, UploadId } of Uploads) {
      if (Key !== key) continue
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), quick)
    }
  }
}

/** What went wrong with the source is not the storage's trouble; the client tells them not apart. */
function watch(source: Readable) {
  let failure: unknown
  let bytes = 0
  // It may fail before anybody reads it, and then nobody would be listening.
  source.on('error', () => {})
  async function* pass() {
    const chunks = source[Symbol.asyncIterator]()
    for (;;) {
      const next = await chunks.next().catch((error) => {
        failure = error
        throw error
      })
      if (next.done) return
      bytes += next.value.length
      yield next.value
    }
  }
  const stream = Readable.from(pass(), { objectMode: false })
  return { stream, bytes: () => bytes, failure: () => failure }
}
