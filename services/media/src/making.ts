import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Logger } from '@clew/kit/log'
import type { Relay } from '@clew/kit/outbox'
import type { Metrics } from '@clew/telemetry/statsd'
import { SpanKind } from '@opentelemetry/api'
import type { MadeStore } from './made-store.ts'
import { keyOf, type Media } from './media.ts'
import { traceWork } from './spans.ts'
import { type Storage, storageAway } from './storage.ts'
import { decodeImage, encodeVariant, type Pixels, type Variant, variantSizes } from './variants.ts'

export type Making = ReturnType<typeof createMaking>

const names = ['thumb', 'card'] as const
const options = { kind: SpanKind.INTERNAL }

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
    const original = await readOriginal(media.id)
    const pixels = original && (await attempt('decode image', () => decodeImage(original)))
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
    return traceWork(name, options, work).catch((error) => {
      log.warn({ err: error }, 'picture not decoded')
      return undefined
    })
  }

  async function readOriginal(id: string): Promise<Buffer | undefined> {
    const found = await storage.get(keyOf(id, 'original'))
    return found && buffer(found.stream).catch((error) => Promise.reject(storageAway(error)))
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
      for (const name of names) await storage.remove(keyOf(id, name))
    },
  }
}

function streamOf(data: Buffer): Readable {
  return Readable.from([data], { objectMode: false })
}
