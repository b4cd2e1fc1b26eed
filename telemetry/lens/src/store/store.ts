import type { Counters } from '../counters.ts'
import type { TraceGroup } from '../otlp/batch.ts'
import type { Limits } from './eviction.ts'
import { openDatabase } from './schema.ts'
import { sweepNames } from './sweep.ts'
import { openWriter } from './writer.ts'

export type Store = AsyncDisposable & {
  /**
   * Resolves once the spans are committed, with how many were refused because their trace is full;
   * rejects when they are not committed.
   */
  add(groups: TraceGroup[]): Promise<number>
}

/**
 * The one place that writes traces. Requests that arrive together share a transaction;
 * none is answered before it is committed.
 */
export function openStore(folder: string, limits: Limits, counters: Counters): Store {
  const database = openDatabase(folder)
  sweepNames(database)
  const writer = openWriter(database, { limits, counters })
  let waiting: {
    groups: TraceGroup[]
    done: (refused: number) => void
    failed: (error: unknown) => void
  }[] = []

  function flush(): void {
    const taken = waiting
    waiting = []
    try {
      const refused = writer.write(taken.map(({ groups }) => groups))
      for (const [index, { done }] of taken.entries()) done(refused[index] ?? 0)
    } catch (error) {
      for (const { failed } of taken) failed(error)
    }
  }

  return {
    add(groups) {
      return new Promise((done, failed) => {
        if (waiting.length === 0) setImmediate(flush)
        waiting.push({ groups, done, failed })
      })
    },
    async [Symbol.asyncDispose]() {
      if (waiting.length > 0) flush()
      database.close()
    },
  }
}
