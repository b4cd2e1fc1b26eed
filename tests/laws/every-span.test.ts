import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { readEveryTrace, readSpanCounts } from '../lens.ts'

// Before any fault: a process that is killed does not get to say how many spans it has ended.
it('every span that ended is stored', async () => {
  // Counts are published every five seconds, each process at its own time.
  await sleep(6_000)
  const count = async () => {
    const { ended, exported, dropped } = await readSpanCounts()
    const traces = await readEveryTrace()
    const stored = traces.flat().filter(({ service }) => service !== 'gateway').length
    expect(ended).toBeGreaterThan(0)
    return { waiting: ended - exported, dropped, unknown: stored - exported }
  }
  await expect
    .poll(count, { timeout: 30_000, interval: 2_000 })
    .toEqual({ waiting: 0, dropped: 0, unknown: 0 })
})
