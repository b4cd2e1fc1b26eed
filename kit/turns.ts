import { DatabaseAway } from './postgres.ts'
import { Problem } from './problem.ts'

export type Turns = ReturnType<typeof createTurns>
type Line = { last: Promise<unknown>; length: number }

const longest = 2_000
// Before the gateway gives up.
const patienceMs = 15_000

/**
 * One after the other for each key. Those who write to the same row wait for each other anyway: here
 * they wait without a database connection in hand, which others need.
 * What it gives throws Problem 503 to whoever comes when 2,000 are in line, or waits for over 15 s.
 */
export function createTurns(waitMs = patienceMs) {
  const lines = new Map<string, Line>()

  return function take<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const line = lines.get(key) ?? { last: Promise.resolve(), length: 0 }
    if (line.length >= longest) return Promise.reject(tooMany())
    const tooLate = performance.now() + waitMs
    const mine = line.length === 0 ? work() : line.last.then(inTurn, afterFailure)
    line.last = mine
    line.length++
    lines.set(key, line)
    mine.then(leave, leave)
    return mine

    function inTurn(): Promise<Result> {
      if (performance.now() > tooLate) throw tooMany()
      return work()
    }
    // With the database away all fail together, not one long wait after the other.
    function afterFailure(error: unknown): Promise<Result> {
      if (error instanceof DatabaseAway) throw error
      return inTurn()
    }
    function leave(): void {
      line.length--
      if (line.length === 0) lines.delete(key)
    }
  }
}

function tooMany(): Problem {
  return new Problem(503, 'Too many want to do this at once. Try again in a moment.', {
    headers: { 'retry-after': '1' },
  })
}
