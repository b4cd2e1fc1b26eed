import { askControl, controlPath } from '../control.ts'
import { readOptions } from '../options.ts'
import { Refusal } from '../refusal.ts'
import type { Status } from '../supervisor.ts'

/** Prints what runs; exit code 1 when something does not. */
export async function status(args: string[]): Promise<number> {
  const { state } = readOptions(args)
  const answer = await askControl(controlPath(state), 'GET', '/processes').catch((error) => {
    throw new Refusal(`No Clew runs in ${state}: npm start starts one.`, { cause: error })
  })
  const { processes } = answer.body as { processes: Status[] }
  const rows = processes.filter((part) => part.state !== 'done')
  const width = Math.max(...rows.map((part) => part.name.length))
  for (const { name, state, since, pid, restarts } of rows) {
    const owner = pid ? `, process ${pid}` : ''
    const again = restarts > 0 ? `, ended ${sayTimes(restarts)} by itself` : ''
    process.stdout.write(
      `${name.padEnd(width)}  ${state} since ${sayTime(since)}${owner}${again}\n`,
    )
  }
  return rows.every((part) => part.state === 'ready') ? 0 : 1
}

function sayTimes(count: number): string {
  return count === 1 ? '1 time' : `${count} times`
}

/** In the time of this machine, as the Swedish write it: 2026-11-21 10:42:07. */
function sayTime(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE')
}
