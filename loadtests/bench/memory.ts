import { setTimeout as sleep } from 'node:timers/promises'
import { startPlatform } from '@clew/launcher/platform'
import { memoryMegabytesOf } from './processes.ts'
import type { Row } from './row.ts'

/** Memory of the whole platform ten seconds after it came up, and of each part. */
export async function benchMemory(): Promise<Row[]> {
  await using platform = await startPlatform({
    portOffset: 11_000,
    state: '.clew/bench/memory',
    fresh: true,
  })
  await sleep(10_000)
  const parts = platform
    .parts()
    .flatMap(({ name, pid }) =>
      pid ? [{ name, value: memoryMegabytesOf(pid), unit: 'MB', better: 'lower' as const }] : [],
    )
  const total = parts.reduce((sum, part) => sum + part.value, 0)
  return [
    ...parts,
    { name: 'whole platform at rest', value: total, unit: 'MB', aim: 1_200, better: 'lower' },
  ]
}
