import { setTimeout as sleep } from 'node:timers/promises'
import { askControl } from '@clew/launcher/control'
import { readPlatform } from './platform.ts'

/** Parts that a test may take away. */
export type PartName =
  | 'redis'
  | 'postgres'
  | 'profile'
  | 'auth'
  | 'feed'
  | 'feed-worker'
  | 'lens'
  | 'media'
  | 'media-worker'
  | 'messaging-1'
  | 'messaging-2'
  | 'nginx'
type Status = { name: string; state: string; pid: number | undefined; restarts: number }

/** Takes a part away for as long as `use` lasts; it is back, and ready, when this resolves. */
export async function without<Result>(part: PartName, use: () => Promise<Result>): Promise<Result> {
  await control('POST', `/processes/${part}/stop`)
  try {
    return await use()
  } finally {
    await control('POST', `/processes/${part}/start`)
  }
}

/** Kills a part as a crash would; resolves when the launcher has brought it back. */
export async function kill(part: PartName): Promise<void> {
  const { pid } = await statusOf(part)
  await control('POST', `/processes/${part}/kill?signal=SIGKILL`)
  for (;;) {
    const now = await statusOf(part)
    if (now.state === 'ready' && now.pid !== pid) return
    await sleep(100)
  }
}

/** The id of its process. @throws Error when it does not run */
export async function pidOf(part: PartName): Promise<number> {
  const { pid } = await statusOf(part)
  if (!pid) throw new Error(`${part} does not run`)
  return pid
}

async function statusOf(part: PartName): Promise<Status> {
  const { processes } = (await control('GET', '/processes')) as { processes: Status[] }
  const found = processes.find(({ name }) => name === part)
  if (!found) throw new Error(`there is no part ${part}`)
  return found
}

async function control(method: string, target: string): Promise<unknown> {
  const { status, body } = await askControl(readPlatform().control, method, target)
  if (status >= 300) throw new Error(`${method} ${target}: ${JSON.stringify(body)}`)
  return body
}
