import { Problem } from '@clew/kit/problem'

export type Turns = ReturnType<typeof createTurns>

/**
 * How many uploads of one person may be under way at once: each holds a file, a row and a connection,
 * for as long as its sender likes.
 * @returns runs `work`. @throws Problem 429 when `atOnce` of theirs are running
 */
export function createTurns(atOnce: number) {
  const running = new Map<string, number>()
  return async function take<Result>(userId: string, work: () => Promise<Result>): Promise<Result> {
    const before = running.get(userId) ?? 0
    if (before >= atOnce) {
      throw new Problem(429, `At most ${atOnce} uploads at once. Wait for one of them to end.`, {
        headers: { 'retry-after': '1' },
      })
    }
    running.set(userId, before + 1)
    try {
      return await work()
    } finally {
      const left = (running.get(userId) ?? 1) - 1
      if (left > 0) running.set(userId, left)
      else running.delete(userId)
    }
  }
}
