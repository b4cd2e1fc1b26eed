import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Platform } from '@clew/launcher/platform'

/** For a platform whose processes are to be asked: each opens its inspector at a port that is free. */
export const inspectable = { NODE_OPTIONS: '--inspect-port=0' }

/**
 * Has a process of Node's collect its garbage, by its inspector, which opens on SIGUSR1.
 * @returns bytes that its JavaScript objects take then
 */
export async function collectGarbage(platform: Platform, part: string): Promise<number> {
  const socket = new WebSocket(await openInspector(platform, part))
  const call = (id: number, method: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ usedSize?: number }>()
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data))
      if (answer.id === id) resolve(answer.result)
    })
    socket.addEventListener('close', () => reject(new Error(`the inspector of ${part} went away`)))
    socket.send(JSON.stringify({ id, method }))
    return promise
  }
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  // What the first round lets go of may hold on to more.
  for (const id of [1, 2]) await call(id, 'HeapProfiler.collectGarbage')
  const { usedSize = Number.NaN } = await call(3, 'Runtime.getHeapUsage')
  socket.close()
  return usedSize
}

/** It says its address once, in its log; asked again it stays where it is. */
async function openInspector(platform: Platform, part: string): Promise<string> {
  platform.kill(part, 'SIGUSR1')
  for (let tries = 0; tries < 100; tries++) {
    const log = await readFile(join(platform.state, 'logs', `${part}.log`), 'utf8')
    const address = [...log.matchAll(/Debugger listening on (ws:\S+)/g)].at(-1)?.[1]
    if (address) return address
    await sleep(50)
  }
  throw new Error(`${part} does not open its inspector`)
}
