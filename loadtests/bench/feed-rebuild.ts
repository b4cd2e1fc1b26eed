import type { Platform } from '@clew/launcher/platform'
import { sendAll } from './feed-load.ts'
import { celebritiesKey, openAdmin, timelineKey } from './feed-redis.ts'
import { askTimeline, type User } from './feed-world.ts'

/** Asks for a timeline again and again, one request at a time, each after its list was dropped. */
export async function rebuild(platform: Platform, reader: User, amount: number): Promise<void> {
  await using redis = await openAdmin(platform)
  const next = async () => {
    await redis.del([timelineKey(reader.id), celebritiesKey(reader.id)])
    return askTimeline(reader)
  }
  const { misses } = await sendAll(platform.urls.gateway, amount, next, 1)
  if (misses < amount) throw new Error(`${misses} of ${amount} were misses: the run is void`)
}
