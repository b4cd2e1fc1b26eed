import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Logger } from '@clew/kit/log'
import type { Relay } from '@clew/kit/outbox'
import type { Metrics } from '@clew/telemetry/statsd'
import { openLocal } from './local-copy.ts'
import type { MadeStore } from './made-store.ts'
import { keyOf, keysOf, type Media } from './media.ts'
import { traceWork } from './spans.ts'
import { type Storage, storageAway } from './storage.ts'
import { decodeImage, encodeVariant, type Pixels, type Variant, variantSizes } from './variants.ts'

export type Making = ReturnType<typeof createMaking>

type Deps = {
  made: MadeStore
  storage: Storage
  relay: Pick<Relay, 'wake'>
  metrics: Metrics
  log: Logger
}

/** Makes the variants of an uploaded picture. Done twice, or by two at once, the end is the same. */
export function createMaking({ made, storage, relay, metrics, log }: Deps) {
  /** Whether they are all there now, and a fact says so. */
  async function makeAll(media: Media): Promise<boolean> {
    const pixels = await decode(media.id)
    const variants = pixels && (await encodeAll(media, pixels))
    if (variants) return made.finish(media.id, variants)
    await made.fail(media.id)
    metrics.count('variants', { outcome: 'failed' })
    return false
  }

  async function encodeAll(media: Media, pixels: Pixels): Promise<Variant[] | undefined> {
    const variants: Variant[] = []
    for (const size of variantSizes(media.width ?? 0, media.height ?? 0)) {
      const variant = await attempt(`make ${size.name}`, () => encodeVariant(pixels, size))
      if (!variant) return undefined
      await storage.put(keyOf(media.id, size.name), streamOf(variant.data))
      variants.push(variant)
    }
    return variants
  }

  /** What cannot be decoded never will be: that is an outcome, not trouble. */
  function attempt<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> {
    return traceWork(name, {}, work).catch((error) => {
      log.warn({ err: error }, 'picture not decoded')
      return undefined
    })
  }

  async function decode(id: string): Promise<Pixels | undefined> {
    const key = keyOf(id, 'original')
    if (!(await storage.head(key))) return undefined
    await using local = await openLocal(storage, key)
    const pixels = await attempt('decode image', () => decodeImage(local.path))
    if (!pixels) await readAll(key)
    return pixels
  }

  /** What cannot even be read right now is not damaged. */
  async function readAll(key: string): Promise<void> {
    const found = await storage.get(key)
    const reading =
      found && pipeline(found.stream, new Writable({ write: (_, __, next) => next() }))
    await reading?.catch((error) => Promise.reject(storageAway(error)))
  }

  return {
    /** @throws Problem 503 while the storage or Postgres is away */
    async make(id: string): Promise<void> {
      const began = performance.now()
      const media = await made.find(id)
      if (media?.status === 'processing' && (await makeAll(media))) {
        relay.wake()
        metrics.count('variants', { outcome: 'ready' })
        metrics.timing('variants.duration', performance.now() - began)
        log.info({ media: id, user: media.owner_id }, 'variants made')
        return
      }
      // Deleted meanwhile: what was put after its removal has no row by which it could be found.
      const kept = await made.find(id)
      if (kept && kept.status !== 'deleting') return
      for (const key of keysOf(id)) await storage.remove(key)
    },
  }
}

function streamOf(data: Buffer): Readable {
  return Readable.from([data], { objectMode: false })
}
