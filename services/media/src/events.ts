import type { Logger } from '@clew/kit/log'
import { publish, type Relay } from '@clew/kit/outbox'
import type { Queryable } from '@clew/kit/postgres'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'

export const stream = 'events:media'

type Named = { id: string; owner_id: string }

/** The fact that a picture is in storage, and its variants are to be made. */
export function recordUploaded(tx: Queryable, media: Named): Promise<void> {
  return publish(tx, stream, 'media.uploaded', describe(media))
}

/** The fact that all there is of it can be served. */
export function recordReady(tx: Queryable, media: Named): Promise<void> {
  return publish(tx, stream, 'media.ready', describe(media))
}

export function recordDeleted(tx: Queryable, media: Named): Promise<void> {
  return publish(tx, stream, 'media.deleted', describe(media))
}

function describe({ id, owner_id }: Named) {
  return { media_id: id, user_id: owner_id }
}

export type Events = ReturnType<typeof createEvents>

/** What is counted and logged once a change is committed, one function per business event. */
export function createEvents(metrics: Metrics, relay: Pick<Relay, 'wake'>, log: Logger) {
  return {
    uploaded(id: string, userId: string, type: string, bytes: number) {
      relay.wake()
      metrics.count('media.uploaded', { type })
      metrics.count('media.bytes', { type }, bytes)
      log.info({ media: id, user: userId, type, bytes }, 'media uploaded')
    },
    /** The same bytes of the same person were there already. */
    uploadedAgain(id: string, userId: string) {
      metrics.count('media.duplicates')
      log.info({ media: id, user: userId }, 'media uploaded again')
    },
    uploadRefused(userId: string, status: number) {
      metrics.count('media.refused', { status: String(status) })
      log.info({ user: userId, status }, 'upload refused')
    },
    deleted(id: string, userId: string) {
      relay.wake()
      metrics.count('media.deleted')
      log.info({ media: id, user: userId }, 'media deleted')
    },
    /** @param kind `whole`, `part`, `unchanged` (304) */
    served(variant: string, kind: 'whole' | 'part' | 'unchanged') {
      metrics.count('media.served', { variant, kind })
    },
    /** A bearer was not accepted. `reason` says why; the person is not told. */
    tokenRefused(reason: string) {
      metrics.count('token.refused')
      trace.getActiveSpan()?.setAttribute('clew.refusal', reason)
      log.info({ reason }, 'token refused')
    },
  }
}
