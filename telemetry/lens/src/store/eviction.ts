import type { DatabaseSync } from 'node:sqlite'
import type { Counters } from '../counters.ts'
import type { Dictionary } from './dictionary.ts'
import { unpack } from './pack.ts'
import { anyService, presenceOf } from './presence.ts'
import { partsPerTrace } from './schema.ts'

export type Limits = { bytes: number; traces: number }
type Usage = { bytes: number; traces: number }
export type Eviction = {
  /** Accounts for a trace that grew, or changed its owner. */
  account(owner: number, bytes: number, traces: number): void
  /** Evicts until the limits hold again; returns the ids of the traces that went. */
  enforce(): string[]
  wasEvicted(id: Buffer): boolean
  recount(): void
}

const evictedRemembered = 100_000

/**
 * Keeps the store within its limits by whole traces, oldest first. Each service is safe within an equal
 * share of the limits: only traces of services beyond theirs go, so one noisy service cannot evict all.
 */
export function openEviction(
  database: DatabaseSync,
  { limits, counters, dictionary }: { limits: Limits; counters: Counters; dictionary: Dictionary },
): Eviction {
  const usages = new Map<number, Usage>()
  const total: Usage = { bytes: 0, traces: 0 }
  const sums = database.prepare(
    'select owner, count(*) as traces, sum(bytes) as bytes, sum(spans) as spans from trace group by owner',
  )
  const oldest = database.prepare('select no, id from trace where owner = ? order by no limit 1')
  const parts = database.prepare('select pack from part where no >= ? and no < ?')
  const dropParts = database.prepare('delete from part where no >= ? and no < ?')
  const dropTrace = database.prepare('delete from trace where no = ? returning bytes, spans')
  const dropPresence = database.prepare(
    'delete from presence where service = ? and started = ? and trace = ?',
  )
  const remember = database.prepare('insert into evicted (id) values (?) on conflict do nothing')
  const forget = database.prepare(
    `delete from evicted where no <= (select max(no) from evicted) - ${evictedRemembered}`,
  )
  const remembered = database.prepare('select 1 from evicted where id = ?')
  const anyRemembered = database.prepare('select 1 from evicted limit 1')
  // Spans without a time are of no minute.
  const dropEdges = database.prepare(
    `delete from edge where minute <
       (select min(started) / 60000000 from presence where service = ${anyService} and started > 0)`,
  )
  const vacuum = database.prepare('pragma incremental_vacuum(500)')
  let someEvicted = anyRemembered.get() !== undefined

  function account(owner: number, bytes: number, traces: number): void {
    const usage = usages.get(owner) ?? { bytes: 0, traces: 0 }
    usages.set(owner, usage)
    usage.bytes += bytes
    usage.traces += traces
    total.bytes += bytes
    total.traces += traces
    counters.set('bytes', total.bytes)
    counters.set('traces', total.traces)
    if (usage.traces === 0) usages.delete(owner)
  }

  /** The oldest trace of any service that uses more than its share of what is short. */
  function nextVictim(short: 'bytes' | 'traces') {
    const share = limits[short] / usages.size
    const beyond = [...usages].filter(([, usage]) => usage[short] > share)
    const candidates = beyond.map(([owner]) => ({
      owner,
      ...(oldest.get(owner) as { no: number; id: Uint8Array }),
    }))
    return candidates.toSorted((a, b) => a.no - b.no)[0]
  }

  function evict({ no, owner, id }: { no: number; owner: number; id: Uint8Array }): void {
    const range = [no * partsPerTrace, (no + 1) * partsPerTrace] as const
    for (const { pack } of parts.all(...range) as { pack: Uint8Array }[]) {
      const rows = presenceOf(unpack(pack), (at) => dictionary.operationOf(at).service)
      for (const row of rows) dropPresence.run(row.service, row.started, no)
    }
    dropParts.run(...range)
    const { bytes, spans } = dropTrace.get(no) as { bytes: number; spans: number }
    remember.run(id)
    account(owner, -bytes, -1)
    counters.add('spans', -spans)
    counters.add('evictedTraces', 1)
    counters.add('evictedSpans', spans)
  }

  return {
    account,
    enforce() {
      const gone: string[] = []
      while (total.bytes > limits.bytes || total.traces > limits.traces) {
        const victim = nextVictim(total.bytes > limits.bytes ? 'bytes' : 'traces')
        if (!victim) break
        evict(victim)
        gone.push(Buffer.from(victim.id).toString('hex'))
      }
      if (gone.length > 0) {
        someEvicted = true
        forget.run()
        dropEdges.run()
        vacuum.all()
      }
      return gone
    },
    wasEvicted: (id) => someEvicted && remembered.get(id) !== undefined,
    recount() {
      usages.clear()
      total.bytes = 0
      total.traces = 0
      let spans = 0
      for (const row of sums.all() as Record<'owner' | 'traces' | 'bytes' | 'spans', number>[]) {
        account(row.owner, row.bytes, row.traces)
        spans += row.spans
      }
      counters.set('spans', spans)
    },
  }
}
