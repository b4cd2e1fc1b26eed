import { benchSocketMemory } from './messaging-memory.ts'
import { benchPairs } from './messaging-pairs.ts'
import { benchRooms } from './messaging-rooms.ts'
import { startMessagingWorld } from './messaging-world.ts'
import type { Row } from './row.ts'

const portOffset = 13_000

/**
 * What live messages cost, with tracing and without: from one instance to the other, to rooms of up to
 * a thousand, and what an idle socket holds.
 */
export async function benchMessaging(quick: boolean): Promise<Row[]> {
  await using off = await startMessagingWorld('off', portOffset)
  await using lean = await startMessagingWorld('lean', portOffset + 500)
  return [
    ...(await benchPairs(quick, [off, lean])),
    ...(await benchRooms(quick, [lean, off])),
    ...(await benchSocketMemory(quick, [lean])),
  ]
}
