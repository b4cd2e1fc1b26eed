import { setTimeout as sleep } from 'node:timers/promises'
import type { Platform } from '@clew/launcher/platform'
import { cpuMicrosOf } from './processes.ts'
import { median } from './ratio.ts'

/** What makes spans: the gateway and the services. */
export const traced = [
  ...['nginx', 'gateway-spans', 'auth', 'profile', 'feed', 'feed-worker'],
  ...['messaging-1', 'messaging-2', 'media', 'media-worker'],
]
/** What they lean on. */
export const beside = ['lens', 'postgres', 'redis']

/** What one request of a run of them took: processor time in microseconds by part, and spans stored. */
export type Block = { cpu: Record<string, number>; spans: number }

const flushMs = 1_500

/** Runs `work`, which makes `amount` requests, and waits until its spans were sent. */
export async function measureBlock(
  platform: Platform,
  amount: number,
  work: () => Promise<unknown>,
): Promise<Block> {
  const before = await read(platform)
  await work()
  await sleep(flushMs)
  const after = await read(platform)
  const cpu = Object.fromEntries(
    Object.entries(after.cpu).map(([part, micros]) => [
      part,
      (micros - (before.cpu[part] ?? 0)) / amount,
    ]),
  )
  return { cpu, spans: (after.spans - before.spans) / amount }
}

export function sumOf(block: Block, parts: string[]): number {
  return parts.reduce((total, part) => total + (block.cpu[part] ?? 0), 0)
}

export function middleOf(blocks: Block[], parts: string[]): number {
  return median(blocks.map((block) => sumOf(block, parts)))
}

async function read(platform: Platform) {
  const parts = platform
    .parts()
    .flatMap(({ name, pid }) => (pid ? [[name, cpuMicrosOf(pid)] as const] : []))
  const answer = await fetch(`${platform.urls.query}/stats`)
  const stats = (await answer.json()) as { stored: number }
  return { cpu: Object.fromEntries(parts), spans: stats.stored }
}
