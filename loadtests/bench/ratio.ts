/** The median of some numbers. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2
    ? (sorted[Math.floor(middle)] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** The median and its 95 % interval by bootstrap: 2,000 resamples with a seeded generator. */
export function medianWithInterval(values: number[]): {
  median: number
  low: number
  high: number
} {
  const random = createRandom(20_261)
  const medians = Array.from({ length: 2_000 }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN)),
  ).sort((a, b) => a - b)
  return {
    median: median(values),
    low: medians[50] ?? Number.NaN,
    high: medians[1_949] ?? Number.NaN,
  }
}

/**
 * By which power of `x` the `y` grow: the slope of the line through their logarithms.
 * 0: the cost is the same at any size; 1: twice the size costs twice as much.
 */
export function slopeOf(points: { x: number; y: number }[]): number {
  const logs = points.map(({ x, y }) => ({ x: Math.log(x), y: Math.log(y) }))
  const mean = (of: 'x' | 'y') => logs.reduce((sum, point) => sum + point[of], 0) / logs.length
  const [meanX, meanY] = [mean('x'), mean('y')]
  const together = logs.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0)
  return together / logs.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
}

// Mulberry32: small, and the same numbers on every machine.
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
