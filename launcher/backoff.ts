const firstMs = 500
const longestMs = 30_000

/** How long to wait before the n-th restart in a row, counted from 1: 0.5 s, 1, 2, 4 ... 30 s. */
export function backoffMs(restart: number): number {
  return Math.min(firstMs * 2 ** (restart - 1), longestMs)
}
