import { createPicker, createRandom } from './random.ts'

const [dayMs, hourMs] = [86_400_000, 3_600_000]
/** Posts are of this many days before `until`. */
export const days = 30
// So that something may follow the last of them.
const lastMs = 60_000

// How much is written in each hour of the day (UTC): little at night, most in the evening.
const rhythm = Float64Array.from([
  ...[2, 1, 0.6, 0.5, 0.6, 1.2, 3, 5, 6, 5, 4.5, 5],
  ...[7, 6, 4.5, 4.5, 5, 6, 7.5, 9, 10, 9, 7, 4],
])

/** When posts are written: over the last 30 days, by the hours people keep; oldest first. */
export function planTimes(count: number, seed: string, until: number): Float64Array {
  const random = createRandom(seed, 'times')
  const hour = createPicker(rhythm, random)
  const first = until - days * dayMs
  const midnight = Math.floor(first / dayMs) * dayMs
  const draw = () =>
    midnight + random.below(days + 1) * dayMs + hour() * hourMs + random.below(hourMs)
  const times = Float64Array.from({ length: count }, () => {
    let time = draw()
    while (time < first || time > until - lastMs) time = draw()
    return time
  })
  return times.sort()
}
