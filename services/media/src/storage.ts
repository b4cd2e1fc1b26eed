import type { Readable } from 'node:stream'
import { Problem } from '@clew/kit/problem'
import { SpanKind } from '@opentelemetry/api'
import type { Config } from './config.ts'
import { openSpan, traceWork } from './spans.ts'
import { openFiles } from './storage/files.ts'

/** First and last byte, both included. */
export type ByteRange = { start: number; end: number }
/** `bytes` counts what `stream` will give: the range's, when one was asked for. */
export type StoredObject = { stream: Readable; bytes: number }

/**
 * Where bytes are kept, by key: `{media id}/original`, `{media id}/thumb`, `{media id}/card`.
 * Every function throws Problem 503 while the storage cannot be reached, or is full.
 */
export type Storage = {
  /**
   * Takes a stream to its end. A put whose source fails leaves nothing; one that fails with
   * StorageAway may leave, or still bring, what `remove` takes away later.
   */
  put(key: string, source: Readable): Promise<{ bytes: number }>
  /** Undefined when there is no such object. Whoever gets a stream must read or destroy it. */
  get(key: string, range?: ByteRange): Promise<StoredObject | undefined>
  head(key: string): Promise<{ bytes: number } | undefined>
  /** Nothing to remove is no error. What a put of this key left in a crash goes too. */
  remove(key: string): Promise<void>
  /** The file of an object, where objects are files. */
  pathOf?(key: string): string
}

export async function openStorage(config: Config): Promise<Storage> {
  if (config.storage === 's3') {
    // Only then: the client of S3 takes as much memory as all else together.
    const { openS3 } = await import('./storage/s3.ts')
    return traceStorage('s3', openS3(config.s3))
  }
  return traceStorage('files', await openFiles(config.folder))
}

/** A span for each verb but `head`, of which serving makes many and which takes no time. */
export function traceStorage(kind: 'files' | 's3', storage: Storage): Storage {
  const options = {
    kind: kind === 's3' ? SpanKind.CLIENT : SpanKind.INTERNAL,
    attributes: { 'clew.storage': kind },
  }
  return {
    head: storage.head,
    ...(storage.pathOf && { pathOf: storage.pathOf }),
    put: (key, source) =>
      traceWork('put object', options, async (span) => {
        const put = await storage.put(key, source)
        span.setAttribute('clew.object.bytes', put.bytes)
        return put
      }),
    // Ends when the last byte was read, or nobody reads any more.
    async get(key, range) {
      const span = openSpan('get object', options)
      try {
        const found = await span.run(() => storage.get(key, range))
        if (!found) {
          span.end()
          return undefined
        }
        span.setAttribute('clew.object.bytes', found.bytes)
        found.stream.once('error', span.fail)
        found.stream.once('close', span.end)
        return found
      } catch (error) {
        span.fail(error)
        span.end()
        throw error
      }
    },
    remove: (key) => traceWork('remove object', options, () => storage.remove(key)),
  }
}

/** The storage is away or full. What was asked of it may be done all the same, or be done later. */
export class StorageAway extends Problem {
  constructor(cause: unknown) {
    super(503, 'The storage cannot do this right now. Try again in a moment.', {
      headers: { 'retry-after': '5' },
      cause,
    })
  }
}

export function storageAway(cause: unknown): StorageAway {
  return new StorageAway(cause)
}
