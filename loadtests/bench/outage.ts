import { setTimeout as sleep } from 'node:timers/promises'
import { type Platform, startPlatform } from '@clew/launcher/platform'
import { memoryMegabytesOf } from './processes.ts'
import type { Row } from './row.ts'
import { prepareLoad } from './tracing-load.ts'

const parts = ['auth', 'profile', 'feed', 'feed-worker', 'gateway-spans']
const outageMs = 30_000

/**
 * lens is stopped for 30 s while people read profiles: what each process that makes spans then holds
 * beyond what it held before, and whether all their spans arrive once lens is back.
 */
export async function benchOutage(quick: boolean): Promise<Row[]> {
  await using platform = await startPlatform({
    portOffset: 13_000,
    state: '.clew/bench/outage',
    fresh: true,
  })
  const load = await prepareLoad(platform, 1)
  await load('profile read, cached', 10_000)
  await sleep(2_000)
  const before = await readMemory(platform)
  const stored = await readStored(platform)
  await platform.stop('lens')
  const end = performance.now() + (quick ? outageMs / 3 : outageMs)
  let requests = 0
  for (; performance.now() < end; requests += 500) await load('profile read, cached', 500)
  const during = await readMemory(platform)
  await platform.start('lens')
  // Three spans a request: the gateway's, the service's, and the look into Redis.
  const arrived = await untilQuiet(platform, stored)
  return [
    ...parts.map((part) => ({
      name: `${part}: memory after the outage, beyond before`,
      value: (during[part] ?? 0) - (before[part] ?? 0),
      unit: 'MB',
      aim: 50,
      better: 'lower' as const,
    })),
    { name: 'requests during the outage', value: requests, unit: '', better: 'higher' },
    { name: 'spans ended during it', value: requests * 3, unit: '', better: 'higher' },
    {
      name: 'of these stored afterwards',
      value: arrived / (requests * 3),
      unit: '',
      better: 'higher',
    },
  ]
}

async function readMemory(platform: Platform): Promise<Record<string, number>> {
  const pids = parts.map((part) => [part, platform.pid(part)] as const)
  return Object.fromEntries(pids.map(([part, pid]) => [part, pid ? memoryMegabytesOf(pid) : 0]))
}

/** lens counts from its start; what it stores is kept in `spans`. */
async function readStored(platform: Platform): Promise<number> {
  const answer = await fetch(`${platform.urls.query}/stats`)
  return ((await answer.json()) as { spans: number }).spans
}

/** How many spans came since, once no more come. */
async function untilQuiet(platform: Platform, stored: number): Promise<number> {
  for (let last = -1; ; ) {
    await sleep(6_000)
    const now = await readStored(platform)
    if (now === last) return now - stored
    last = now
  }
}
