import type { DatabaseSync } from 'node:sqlite'
import type { Dictionary } from './dictionary.ts'
import { unpack } from './pack.ts'
import { partsPerTrace } from './schema.ts'
import { addSpan, createTraceState, type TraceState } from './trace-state.ts'

export type TraceStates = {
  find(id: string, wasEvicted: (id: Buffer) => boolean): TraceState
  save(state: TraceState, summary: string): void
  drop(id: string): void
  trim(): void
  forget(): void
}

/** Spans of recent traces kept in memory, so that their next batch need not be joined by reading. */
const rememberedSpans = 30_000

export function openTraceStates(database: DatabaseSync, dictionary: Dictionary): TraceStates {
  const states = new Map<string, TraceState>()
  const findTrace = database.prepare(
    'select no, owner, parts, bytes, incomplete from trace where id = ?',
  )
  const readPacks = database.prepare('select pack from part where no >= ? and no < ? order by no')
  const lastTrace = database.prepare('select max(no) as no from trace')
  const saveTrace = database.prepare(
    `insert into trace (no, id, owner, parts, spans, bytes, incomplete, summary)
     values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (no) do update set owner = excluded.owner, parts = excluded.parts,
       spans = excluded.spans, bytes = excluded.bytes, summary = excluded.summary`,
  )
  let next = nextNo()

  function nextNo(): number {
    const { no } = lastTrace.get() as { no: number | null }
    return (no ?? 0) + 1
  }

  function open(id: string, wasEvicted: (id: Buffer) => boolean): TraceState {
    const key = Buffer.from(id, 'hex')
    const row = findTrace.get(key) as
      | Record<'no' | 'owner' | 'parts' | 'bytes' | 'incomplete', number>
      | undefined
    if (!row) return createTraceState(next++, id, wasEvicted(key))
    const state = createTraceState(row.no, id, row.incomplete === 1)
    Object.assign(state, { owner: row.owner, parts: row.parts, bytes: row.bytes })
    state.saved = { bytes: row.bytes }
    const range = [row.no * partsPerTrace, (row.no + 1) * partsPerTrace] as const
    for (const { pack } of readPacks.all(...range) as { pack: Uint8Array }[]) {
      for (const span of unpack(pack)) {
        addSpan(state, span, dictionary.operationOf(span.operation).service)
      }
    }
    return state
  }

  return {
    find(id, wasEvicted) {
      const state = states.get(id) ?? open(id, wasEvicted)
      // Put back at the end: what was used last is dropped last.
      states.delete(id)
      states.set(id, state)
      return state
    },
    save(state, summary) {
      const key = Buffer.from(state.id, 'hex')
      const { no, owner, parts, spans, bytes, incomplete } = state
      saveTrace.run(no, key, owner, parts, spans.size, bytes, incomplete ? 1 : 0, summary)
      state.saved = { bytes }
    },
    drop: (id) => states.delete(id),
    trim() {
      let spans = 0
      for (const state of states.values()) spans += state.spans.size
      for (const [id, state] of states) {
        if (spans <= rememberedSpans || states.size === 1) break
        spans -= state.spans.size
        states.delete(id)
      }
    },
    forget() {
      states.clear()
      next = nextNo()
    },
  }
}
