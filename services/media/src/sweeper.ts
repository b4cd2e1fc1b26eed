import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@clew/kit/log'
import type { Postgres } from '@clew/kit/postgres'
import { runUntraced } from '@clew/telemetry/untraced'
import { recordUploaded } from './events.ts'
import type { Removal } from './removal.ts'
import { type Uses, unconfirmedMs } from './uses.ts'

type Deps = {
  postgres: Postgres
  removal: Removal
  uses: Pick<Uses, 'expire' | 'forget'>
  log: Logger
}

export type Times = {
  /** From one look to the next. */
  everyMs: number
  /** An upload says every 15 s that it goes on; after this it counts as abandoned. */
  abandonedMs: number
  /** A removal that is still under way is left alone for so long. */
  removingMs: number
  /** A use whose post was not stored by then never will be. */
  unconfirmedMs: number
  /** A picture without variants by then was lost on its way to the worker. */
  unmadeMs: number
}

// Together less than a minute: so long may bytes that belong to nobody be kept after a crash.
const usual: Times = {
  everyMs: 15_000,
  abandonedMs: 40_000,
  removingMs: 30_000,
  unconfirmedMs,
  unmadeMs: 300_000,
}

export type Sweeper = ReturnType<typeof createSweeper>

/**
 * Ends what a crash left half done: uploads of which no more bytes come, removals that broke off,
 * uses without a post, pictures without variants. Leaves no spans, as it belongs to no request; it says in the log what it found.
 */
export function createSweeper(deps: Deps, times: Partial<Times> = {}) {
  const { postgres, removal, uses, log } = deps
  const { everyMs, abandonedMs, removingMs, unconfirmedMs, unmadeMs } = { ...usual, ...times }

  async function removeAbandoned(): Promise<void> {
    // Marked first: an upload that lives after all is refused its end, instead of losing its bytes.
    const found = await postgres.query<{ id: string }>(
      `update media set status = 'deleting', touched_at = now()
       where id in (
         select id from media
         where status = 'uploading' and touched_at < now() - $1 * interval '1 ms'
            or status = 'deleting' and touched_at < now() - $2 * interval '1 ms'
         order by touched_at limit 100 for update skip locked)
       returning id`,
      [abandonedMs, removingMs],
    )
    for (const { id } of found) {
      log.warn({ media: id }, 'media swept')
      await removal.remove(id)
    }
  }

  async function expireUses(): Promise<void> {
    for (const id of await uses.expire(unconfirmedMs)) {
      log.warn({ media: id }, 'media swept: no post came to show it')
    }
    await uses.forget()
  }

  /** Each time after twice as long: one that ends whoever makes it is not to do so all the time. */
  async function makeAgain(): Promise<void> {
    await postgres.transaction(async (tx) => {
      const found = await tx.query<{ id: string; owner_id: string }>(
        `update media set touched_at = now()
         where id in (
           select id from media
           where status = 'processing' and touched_at < now() - $1 * interval '1 ms'
             and now() - touched_at > touched_at - created_at
           order by touched_at limit 100 for update skip locked)
         returning id, owner_id`,
        [unmadeMs],
      )
      for (const media of found) {
        log.warn({ media: media.id }, 'media swept: its variants were not made')
        await recordUploaded(tx, media)
      }
    })
  }

  /** One look. What fails is tried again at the next. */
  async function sweep(): Promise<void> {
    for (const part of [removeAbandoned, expireUses, makeAgain]) {
      await runUntraced(part).catch((error) => log.warn({ err: error }, 'media not swept'))
    }
  }
  return {
    sweep,
    /** Looks again and again until disposed. */
    start(): AsyncDisposable {
      const stop = new AbortController()
      const done = (async () => {
        while (!stop.signal.aborted) {
          await sweep()
          const { signal } = stop
          await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {})
        }
      })()
      return {
        async [Symbol.asyncDispose]() {
          stop.abort()
          await done
        },
      }
    },
  }
}
