import type { StatsdType } from './line.ts'

export type Reading = { suffix: string; label: string; value: number }

/** One set of labels of one metric. */
export type Series = {
  /** Takes one value, as a number and as it was sent; false when this type cannot hold it. */
  add(value: number, text: string, rate: number): boolean
  /** The lines to expose: what follows the name, a label of its own, the value. */
  read(): Reading[]
}

/**
 * Upper bounds, the same for every histogram. Timings are milliseconds, as the services send them;
 * the bounds hold the numbers that the platform promises (10, 50, 100, 200, 5,000).
 */
export const bounds = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]

const setMs = 60_000
const largestSet = 10_000

export function createSeries(type: StatsdType): Series {
  return { counter: createCounter, gauge: createGauge, histogram: createHistogram, set: createSet }[
    type
  ]()
}

function createCounter(): Series {
  let total = 0
  return {
    add(value, _text, rate) {
      // A Prometheus counter never falls: what goes up and down is a gauge.
      if (value < 0) return false
      total += value / rate
      return true
    },
    read: () => [{ suffix: '', label: '', value: total }],
  }
}

function createGauge(): Series {
  let level = 0
  return {
    add(value, text) {
      // With a sign in front it is a change, as StatsD has no negative levels.
      level = text.startsWith('+') || text.startsWith('-') ? level + value : value
      return true
    },
    read: () => [{ suffix: '', label: '', value: level }],
  }
}

function createHistogram(): Series {
  const counts = new Array<number>(bounds.length).fill(0)
  let count = 0
  let sum = 0
  return {
    add(value, _text, rate) {
      const samples = rate === 1 ? 1 : Math.trunc(1 / rate)
      const bucket = bounds.findIndex((bound) => value <= bound)
      if (bucket !== -1) counts[bucket]! += samples
      count += samples
      sum += value * samples
      return true
    },
    read() {
      let below = 0
      const buckets = bounds.map((bound, i) => {
        below += counts[i]!
        return { suffix: '_bucket', label: `le="${bound}"`, value: below }
      })
      return [
        ...buckets,
        { suffix: '_bucket', label: 'le="+Inf"', value: count },
        { suffix: '_sum', label: '', value: sum },
        { suffix: '_count', label: '', value: count },
      ]
    },
  }
}

/** Different values seen in the last minute. */
function createSet(): Series {
  const seen = new Map<string, number>()
  const forget = (now: number) => {
    for (const [value, at] of seen) if (now - at > setMs) seen.delete(value)
  }
  return {
    add(_value, text) {
      if (text === '' || (seen.size >= largestSet && !seen.has(text))) return false
      seen.set(text, Date.now())
      return true
    },
    read() {
      forget(Date.now())
      return [{ suffix: '', label: '', value: seen.size }]
    },
  }
}
