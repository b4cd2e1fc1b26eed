import type { DatabaseSync } from 'node:sqlite'
import type { Counters } from '../counters.ts'
import type { TraceGroup } from '../otlp/batch.ts'
import type { SpanRecord } from '../otlp/span-record.ts'
import { openDictionary } from './dictionary.ts'
import { type Limits, openEviction } from './eviction.ts'
import { type PackedSpan, pack } from './pack.ts'
import { addText } from './part-text.ts'
import { presenceOf } from './presence.ts'
import { partsPerTrace } from './schema.ts'
import { addSpan, type OnCall, ownerOf, summarise, type TraceState } from './trace-state.ts'
import { openTraceStates } from './trace-states.ts'

export type Writer = {
  /**
   * Writes what several requests say of traces as one transaction: all of it, or none.
   * Gives, for each request, how many of its spans were refused because their trace is full.
   */
  write(batches: TraceGroup[][]): number[]
}

/** A larger trace helps nobody and would be read into memory whole. */
export const mostSpans = 200_000

export function openWriter(
  database: DatabaseSync,
  { limits, counters }: { limits: Limits; counters: Counters },
): Writer {
  const dictionary = openDictionary(database)
  const eviction = openEviction(database, { limits, counters, dictionary })
  const states = openTraceStates(database, dictionary)
  const calls = openCalls(database)
  const insertPart = database.prepare('insert into part (no, pack, spans) values (?, ?, ?)')
  const addPresence = database.prepare(
    `insert into presence (service, started, trace, last) values (?, ?, ?, ?)
     on conflict do update set last = max(last, excluded.last)`,
  )
  eviction.recount()

  function addGroup(group: TraceGroup) {
    const state = states.find(group.traceId, eviction.wasEvicted)
    const added: PackedSpan[] = []
    const texts: Buffer[] = []
    let [duplicate, refused] = [0, 0]
    for (const { source, spans } of group.blocks) {
      const service = dictionary.service(source.service)
      const fresh: SpanRecord[] = []
      for (const span of spans) {
        if (state.spans.has(span.id)) {
          duplicate++
          continue
        }
        if (state.spans.size >= mostSpans) {
          refused++
          continue
        }
        span.operation = dictionary.operation(service, span.name, span.kind)
        addSpan(state, span, service, calls.count)
        fresh.push(span)
        added.push(span)
      }
      if (fresh.length > 0) addText(texts, source, fresh, group.body)
    }
    if (added.length > 0) addPart(state, added, Buffer.concat(texts))
    return { state, duplicate, refused, stored: added.length }
  }

  function addPart(state: TraceState, spans: PackedSpan[], text: Buffer): void {
    const packed = pack(spans)
    insertPart.run(state.no * partsPerTrace + state.parts, packed, text)
    state.parts++
    state.bytes += packed.length + text.length
    for (const row of presenceOf(spans, (at) => dictionary.operationOf(at).service)) {
      addPresence.run(row.service, row.started, state.no, row.last)
    }
  }

  function save(state: TraceState): void {
    const owner = ownerOf(state)
    if (state.saved) eviction.account(state.owner, -state.saved.bytes, -1)
    eviction.account(owner, state.bytes, 1)
    state.owner = owner
    states.save(state, summarise(state, dictionary))
  }

  function writeAll(batches: TraceGroup[][]) {
    const changed = new Set<TraceState>()
    let [stored, duplicate] = [0, 0]
    const refused = batches.map((groups) => {
      let over = 0
      for (const group of groups) {
        const added = addGroup(group)
        stored += added.stored
        duplicate += added.duplicate
        over += added.refused
        if (added.stored > 0) changed.add(added.state)
      }
      return over
    })
    for (const state of changed) save(state)
    calls.save()
    counters.add('spans', stored)
    for (const id of eviction.enforce()) states.drop(id)
    states.trim()
    return { stored, duplicate, refused }
  }

  return {
    write(batches) {
      database.exec('begin immediate')
      try {
        const result = writeAll(batches)
        database.exec('commit')
        counters.add('stored', result.stored)
        counters.add('duplicate', result.duplicate)
        return result.refused
      } catch (error) {
        // Everything known by heart may be ahead of the database now.
        if (database.isTransaction) database.exec('rollback')
        dictionary.forget()
        states.forget()
        calls.forget()
        eviction.recount()
        throw error
      }
    },
  }
}

/** Counts calls from service to service by the minute, for the map of dependencies. */
function openCalls(database: DatabaseSync) {
  const counts = new Map<string, number>()
  const add = database.prepare(
    `insert into edge (minute, parent, child, calls) values (?, ?, ?, ?)
     on conflict do update set calls = calls + excluded.calls`,
  )
  const count: OnCall = (parent, child, start) => {
    const key = `${Math.floor(start.micros / 60_000_000)} ${parent} ${child}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return {
    count,
    save() {
      for (const [key, calls] of counts) {
        const [minute, parent, child] = key.split(' ').map(Number)
        add.run(minute!, parent!, child!, calls)
      }
      counts.clear()
    },
    forget: () => counts.clear(),
  }
}
