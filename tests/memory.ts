import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PartName, pidOf } from './parts.ts'

const everyMs = 25

/**
 * How many bytes of memory each part took more at the most, its children included, while `use` ran.
 */
export async function memoryGrowth(
  parts: PartName[],
  use: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const pids = await Promise.all(parts.map(pidOf))
  const before = await Promise.all(pids.map(memoryOf))
  const most = [...before]
  let running = true
  const using = use().finally(() => {
    running = false
  })
  while (running) {
    for (const [at, pid] of pids.entries()) {
      most[at] = Math.max(most[at] ?? 0, await memoryOf(pid))
    }
    await sleep(everyMs)
  }
  await using
  return Object.fromEntries(parts.map((part, at) => [part, (most[at] ?? 0) - (before[at] ?? 0)]))
}

async function memoryOf(pid: number): Promise<number> {
  const [status, children] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'),
  ])
  const own = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024
  const below = await Promise.all(children.split(' ').filter(Boolean).map(Number).map(memoryOf))
  return below.reduce((sum, bytes) => sum + bytes, own)
}
