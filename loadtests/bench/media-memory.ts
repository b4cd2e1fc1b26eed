import { setTimeout as sleep } from 'node:timers/promises'
import { loadAverage } from './load-average.ts'
import { type MediaWorld, untilMade, upload } from './media-world.ts'
import { watchMemory } from './processes.ts'
import type { Row } from './row.ts'

const atOnce = 8
const everyMs = 5
const parts = ['media', 'nginx', 'media-worker']

/**
 * By how much memory grows while eight photos of 10 MB are uploaded at once, over what there was
 * before: in processes that have had uploads, one at a time.
 */
export async function benchUploadMemory(
  quick: boolean,
  world: MediaWorld,
  photo: Buffer,
): Promise<Row[]> {
  const { platform, users, driver } = world
  await driver.ask('load', { bytes: photo })
  const rest = users.values()
  const next = (count: number) =>
    Array.from({ length: count }, () => rest.next().value).filter((user) => !!user)
  await upload(world, next(3), 1)
  await untilMade(platform)
  await sleep(3_000)
  const memory = new Map(parts.map((part) => [part, watchMemory(platform.pid(part) ?? 0)]))
  const read = () => new Map([...memory].map(([part, megabytes]) => [part, megabytes()]))
  const before = read()
  const most = new Map(before)
  let together = 0
  const look = () => {
    const now = read()
    for (const [part, megabytes] of now) most.set(part, Math.max(most.get(part) ?? 0, megabytes))
    const grown = (part: string) => (now.get(part) ?? 0) - (before.get(part) ?? 0)
    together = Math.max(together, grown('media') + grown('nginx'))
  }
  const looking = setInterval(look, everyMs)
  for (let round = 0; round < (quick ? 2 : 4); round++) {
    await upload(world, next(atOnce), atOnce)
  }
  clearInterval(looking)
  const row = (name: string, value: number): Row => ({
    name: `eight uploads of 10 MB at once: ${name}`,
    value,
    unit: 'MB',
    better: 'lower',
  })
  await untilMade(platform)
  return [
    { ...row('memory of media and nginx, beyond before', together), aim: 40 },
    ...parts.map((part) =>
      row(
        `${part} beyond ${before.get(part)?.toFixed(0)} MB before`,
        (most.get(part) ?? 0) - (before.get(part) ?? 0),
      ),
    ),
    loadAverage('uploads at once'),
  ]
}
