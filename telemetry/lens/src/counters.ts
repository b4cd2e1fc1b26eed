const names = [
  'received',
  'stored',
  'rejected',
  'duplicate',
  'refusedRequests',
  'evictedTraces',
  'evictedSpans',
  'traces',
  'spans',
  'bytes',
] as const

export type CounterName = (typeof names)[number]
export type Counters = {
  add(name: CounterName, value: number): void
  set(name: CounterName, value: number): void
  read(): Record<CounterName, number>
  /** Hand this to another thread, which opens the same numbers with it. */
  memory: SharedArrayBuffer
}

/** Numbers that the thread which writes changes and the thread which answers reads. */
export function createCounters(
  memory = new SharedArrayBuffer(names.length * Float64Array.BYTES_PER_ELEMENT),
): Counters {
  const values = new Float64Array(memory)
  return {
    add(name, value) {
      values[names.indexOf(name)]! += value
    },
    set(name, value) {
      values[names.indexOf(name)] = value
    },
    read: () =>
      Object.fromEntries(names.map((name, index) => [name, values[index]])) as Record<
        CounterName,
        number
      >,
    memory,
  }
}
