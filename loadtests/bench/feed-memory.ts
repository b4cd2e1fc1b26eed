import { sendAll } from './feed-load.ts'
import { openAdmin, timelineKey } from './feed-redis.ts'
import { askTimeline, type User, type World } from './feed-world.ts'
import type { Row } from './row.ts'

const longest = 800

/** What a full timeline takes in Redis, in bytes. */
export async function benchBytes(_quick: boolean, [world]: World[]): Promise<Row[]> {
  if (!world) return []
  const { platform, readers } = world
  await using redis = await openAdmin(platform)
  const reader = readers[0] as User
  await sendAll(platform.urls.gateway, 1, () => askTimeline(reader))
  const key = timelineKey(reader.id)
  const length = await redis.lLen(key)
  if (length < longest) throw new Error(`a list of ${length} is not full: the run is void`)
  return [
    {
      name: 'timeline of 800 posts in Redis',
      value: (await redis.memoryUsage(key, { SAMPLES: 0 })) ?? Number.NaN,
      unit: 'bytes',
      aim: 16 * 1_024,
      better: 'lower',
    },
  ]
}
