/**
 * The value that this share of all values does not exceed: 0.5 gives the median's place, 0.99 what
 * only one in a hundred is above. NaN of nothing.
 */
export function percentile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort()
  const place = Math.ceil(share * sorted.length) - 1
  return sorted[Math.max(0, place)] ?? Number.NaN
}
