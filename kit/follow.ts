import type { FollowOptions } from './bus.ts'
import { type Entry, type Fact, readEntries, toFact } from './entries.ts'
import type { RedisConnection } from './redis.ts'

const blockMs = 2_000
const batch = 1_000

/** Where a follower is, and whether it has seen all that there is. */
export type Followed = { last: string; current: boolean }

export async function followLoop(
  client: RedisConnection,
  stop: AbortSignal,
  { stream, seen }: FollowOptions,
  state: Followed,
): Promise<void> {
  try {
    while (!stop.aborted) {
      // Waits only once it has caught up, so that it knows soon when there is nothing to catch up.
      const waitMs = state.current ? blockMs : undefined
      const place = { stream, from: state.last, count: batch, blockMs: waitMs }
      const entries = await readEntries(client, ['XREAD'], place)
      for (const entry of entries) {
        const fact = readFact(entry)
        if (fact) seen(fact)
        state.last = entry.id
      }
      state.current = entries.length < batch
    }
  } finally {
    state.current = false
  }
}

function readFact({ fields }: Entry): Fact | undefined {
  try {
    return fields && toFact(fields)
  } catch {
    return undefined
  }
}
