import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { readEveryTrace, readSpanCounts } from '../lens.ts'
import { readNotes } from '../notes.ts'

// Before any fault: a process that is killed does not get to say how many spans it has ended.
it('every span that ended is stored', async () => {
  // Counts are published every five seconds, each process at its own time.
  await sleep(6_000)
  const count = async () => {
    const { ended, exported, dropped } = await readSpanCounts()
    const spans = (await readEveryTrace()).flat()
    const ofPhones = spans.filter(({ service }) => service === 'phone').length
    const stored = spans.filter(({ service }) => service !== 'gateway').length - ofPhones
    expect(ended).toBeGreaterThan(0)
    return {
      waiting: ended - exported,
      dropped,
      unknown: stored - exported,
      phones: ofPhones - sentByPhones(),
    }
  }
  await expect
    .poll(count, { timeout: 30_000, interval: 2_000 })
    .toEqual({ waiting: 0, dropped: 0, unknown: 0, phones: 0 })
})

/** Phones are processes of the tests, which count their own. */
function sentByPhones(): number {
  return readNotes().reduce((sum, note) => sum + ('phoneSpans' in note ? note.phoneSpans : 0), 0)
}
