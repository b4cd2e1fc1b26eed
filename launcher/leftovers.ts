import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Identity, isAlive, orphansOf, readIdentity } from './identity.ts'
import type { Row } from './processes.ts'

const patienceMs = 10_000

/**
 * Ends what a killed launcher left running in this state folder: only processes recorded in its pid
 * files, and only if they are still those same processes.
 * @returns the names of what was found and ended
 */
export async function endLeftovers(run: string, rows: Row[]): Promise<string[]> {
  const ended = await Promise.all(
    rows.map(async ({ name, stopSignal }) => {
      const file = join(run, `${name}.pid`)
      const leader = await readIdentity(file)
      const found = leader ? await endGroup(leader, stopSignal ?? 'SIGTERM') : false
      await rm(file, { force: true })
      return found ? [name] : []
    }),
  )
  return ended.flat()
}

async function endGroup(leader: Identity, signal: NodeJS.Signals): Promise<boolean> {
  const lived = await isAlive(leader)
  if (lived) await endLeader(leader, signal)
  const orphans = await orphansOf(leader)
  for (const pid of orphans) send(pid, 'SIGKILL')
  return lived || orphans.length > 0
}

async function endLeader(leader: Identity, signal: NodeJS.Signals): Promise<void> {
  send(leader.pid, signal)
  send(leader.pid, 'SIGCONT')
  const deadline = performance.now() + patienceMs
  while (await isAlive(leader)) {
    if (performance.now() > deadline) send(leader.pid, 'SIGKILL')
    await sleep(20)
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
