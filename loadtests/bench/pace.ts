import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '@clew/population/random'

/**
 * When each of `amount` things begins, in milliseconds from the start: `perSecond` on average, with
 * gaps as between people who know nothing of each other (exponential). The same seed, the same plan.
 */
export function planArrivals(amount: number, perSecond: number, seed: string): Float64Array {
  const random = createRandom('bench', 'arrivals', seed)
  let at = 0
  return Float64Array.from({ length: amount }, () => {
    at += (random.wait() * 1_000) / perSecond
    return at
  })
}

/**
 * Begins each thing when it is due, whether or not those before it are done: a slow answer does not
 * hold back the load and so hide itself. `due` is in the milliseconds of `performance.now()`.
 * @returns by how many milliseconds each began late, which is the driver's own fault
 */
export async function keepPace(
  arrivals: Float64Array,
  begin: (place: number, due: number) => void,
): Promise<Float64Array> {
  const late = new Float64Array(arrivals.length)
  const start = performance.now()
  for (const [place, arrival] of arrivals.entries()) {
    const due = start + arrival
    // A timer may end some tenths of a millisecond early; a message sent then would look quicker.
    for (;;) {
      const early = due - performance.now()
      if (early <= 0) break
      await sleep(early)
    }
    late[place] = performance.now() - due
    begin(place, due)
  }
  return late
}
