import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askControl, controlPath } from '../control.ts'
import { endLeftovers } from '../leftovers.ts'
import { readOptions } from '../options.ts'
import { rows } from '../processes.ts'
import { isClaimed } from '../state.ts'

/** Stops the launcher of a state folder and waits; if it is gone, ends what it left running. */
export async function stop(args: string[]): Promise<number> {
  const { state } = readOptions(args)
  if (!(await isClaimed(state))) {
    const ended = await endLeftovers(join(state, 'run'), rows)
    const found = ended.length > 0 ? `; ended what was left: ${ended.join(', ')}` : ''
    process.stdout.write(`No Clew runs in ${state}${found}.\n`)
    return 0
  }
  await askControl(controlPath(state), 'POST', '/stop')
  while (await isClaimed(state)) await sleep(100)
  process.stdout.write('Stopped.\n')
  return 0
}
