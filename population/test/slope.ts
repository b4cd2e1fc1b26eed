/**
 * By how much the logarithm of falling values changes where that of their rank grows by 1: the
 * exponent of a power law. Looks at ranks `from` to `to`, counted from 1.
 */
export function slope(falling: number[], from: number, to: number): number {
  const points = falling
    .slice(from - 1, to)
    .map((value, place) => [Math.log(from + place), Math.log(value)] as const)
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}
