import { Problem } from '@clew/kit/problem'

export type Turns = ReturnType<typeof createTurns>

/**
 * One after the other for each key. Those who write to the same row wait for each other anyway: here
 * they wait without a database connection in hand, which others need.
 */
export function createTurns() {
  const last = new Map<string, Promise<unknown>>()

  return function take<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const mine = last.get(key)?.then(work, afterFailure) ?? work()
    last.set(key, mine)
    const forget = () => {
      if (last.get(key) === mine) last.delete(key)
    }
    mine.then(forget, forget)
    return mine

    // With the database away all fail together, not one long wait after the other.
    function afterFailure(error: unknown): Promise<Result> {
      if (error instanceof Problem && error.status === 503) throw error
      return work()
    }
  }
}
