import { setTimeout as sleep } from 'node:timers/promises'
import { type Carrier, tracePublish } from '@clew/telemetry/events'
import { runUntraced } from '@clew/telemetry/untraced'
import { v7 as uuid } from 'uuid'
import type { Bus, Fact } from './bus.ts'
import type { Logger } from './log.ts'
import type { Postgres, Queryable } from './postgres.ts'

const batch = 500
const idleMs = 500
// Facts published within this time travel together: under load one look moves many.
const gatherMs = 10
const troubleMs = { first: 100, most: 2_000 }

type Row = { id: string; type: string; payload: object } & Carrier

/**
 * Records a fact in the same transaction as the change it states: both are kept, or neither.
 * The relay sends it to the stream afterwards. Leaves a PRODUCER span.
 */
export async function publish(
  tx: Queryable,
  stream: string,
  type: string,
  payload: object,
): Promise<void> {
  const id = uuid()
  await tracePublish({ stream, type, id }, ({ traceparent, tracestate, baggage }) =>
    tx.query(
      `insert into outbox (id, type, payload, traceparent, tracestate, baggage)
       values ($1, $2, $3, $4, $5, $6)`,
      [id, type, payload, traceparent, tracestate, baggage],
    ),
  )
}

export type Relay = AsyncDisposable & {
  /** Something was published: do not wait for the next look. Call it after the commit. */
  wake(): void
}

/**
 * Moves facts from the outbox to the stream, oldest first, at least once, and keeps them while
 * Redis is away. Of several instances one works at a time, so order is kept.
 */
export function startRelay(postgres: Postgres, bus: Bus, stream: string, log: Logger): Relay {
  const stop = new AbortController()
  let wakeUp = () => {}
  const done = runUntraced(relay)

  async function relay() {
    let waitMs = troubleMs.first
    while (!stop.signal.aborted) {
      // Made before looking, so that a fact published meanwhile is not left for the next look.
      const woken = new Promise<void>((resolve) => {
        wakeUp = resolve
      })
      try {
        const moved = await moveBatch(postgres, bus, stream)
        waitMs = troubleMs.first
        if (moved < batch) await Promise.race([woken.then(() => pause(gatherMs)), pause(idleMs)])
      } catch (error) {
        log.warn({ err: error }, 'events wait in the outbox')
        await pause(waitMs)
        waitMs = Math.min(waitMs * 2, troubleMs.most)
      }
    }
  }
  function pause(ms: number) {
    return sleep(ms, undefined, { signal: stop.signal, ref: false }).catch(() => {})
  }
  return {
    wake: () => wakeUp(),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done
    },
  }
}

async function moveBatch(postgres: Postgres, bus: Bus, stream: string): Promise<number> {
  return postgres.transaction(async (tx) => {
    const [lock] = await tx.query<{ got: boolean }>(
      `select pg_try_advisory_xact_lock(hashtext('outbox')) as got`,
    )
    if (!lock?.got) return 0
    const rows = await tx.query<Row>(
      `delete from outbox
       where id in (select id from outbox order by id limit ${batch})
       returning id, type, payload, traceparent, tracestate, baggage`,
    )
    if (rows.length === 0) return 0
    // The order in which a delete returns its rows is not promised. If Redis is away, this throws
    // and the facts stay.
    await bus.append(stream, rows.sort(oldestFirst).map(toFact))
    return rows.length
  })
}

/** Version 7 UUIDs sort by the time they were made. */
function oldestFirst(a: Row, b: Row): number {
  return a.id < b.id ? -1 : 1
}

function toFact({ id, type, payload, traceparent, tracestate, baggage }: Row): Fact {
  return {
    id,
    type,
    payload,
    carrier: {
      ...(traceparent && { traceparent }),
      ...(tracestate && { tracestate }),
      ...(baggage && { baggage }),
    },
  }
}
