import { type Block, measureBlock, sumOf, traced } from './blocks.ts'
import type { World } from './feed-world.ts'
import { median } from './ratio.ts'

/** Everything that works for an answer; lens is told apart from it. */
export const whole = [...traced, 'postgres', 'redis']

/** One place on a curve: `run` makes `amount` requests. */
export type Point = { x: number; run(amount: number): Promise<unknown> }

/**
 * Processor time per request at each point, in microseconds. The points take turns, there and back,
 * so that a machine that grows slower meanwhile does not bend the curve.
 */
export async function measureCurve(
  { platform }: World,
  points: Point[],
  { amount, rounds, parts = whole }: { amount: number; rounds: number; parts?: string[] },
): Promise<{ x: number; y: number }[]> {
  const blocks = new Map<number, Block[]>(points.map(({ x }) => [x, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { x, run } of round % 2 ? points.toReversed() : points) {
      blocks.get(x)?.push(await measureBlock(platform, amount, () => run(amount)))
    }
  }
  return points.map(({ x }) => ({
    x,
    y: median((blocks.get(x) ?? []).map((block) => sumOf(block, parts))),
  }))
}

/** `10: 210, 100: 212` */
export function describeCurve(curve: { x: number; y: number }[]): string {
  return curve.map(({ x, y }) => `${x.toLocaleString('en')}: ${y.toFixed(0)}`).join(', ')
}
