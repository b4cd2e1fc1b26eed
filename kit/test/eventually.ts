import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until the answer is neither undefined nor false. The test's own time limit ends it. */
export async function eventually<Found>(
  ask: () => Promise<Found | undefined | false> | Found | undefined | false,
): Promise<Found> {
  for (;;) {
    const found = await ask()
    if (found !== undefined && found !== false) return found
    await sleep(20)
  }
}
