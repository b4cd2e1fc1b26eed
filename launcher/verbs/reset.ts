import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { endLeftovers } from '../leftovers.ts'
import { readOptions } from '../options.ts'
import { rows } from '../processes.ts'
import { Refusal } from '../refusal.ts'
import { isClaimed, removeState } from '../state.ts'

/** Deletes data, keys and logs of a state folder, after asking. */
export async function reset(args: string[]): Promise<number> {
  const { state, yes } = readOptions(args)
  if (!(await exists(state))) {
    process.stdout.write(`There is nothing to delete: there is no ${state}.\n`)
    return 0
  }
  if (await isClaimed(state)) {
    throw new Refusal(`A Clew runs in ${state}: stop it first with npm run stop.`)
  }
  if (!yes && !(await confirm(`Delete all data, keys and logs in ${state}? (y/N) `))) {
    process.stdout.write('Nothing was deleted.\n')
    return 1
  }
  await endLeftovers(join(state, 'run'), rows)
  await removeState(state)
  process.stdout.write(`Deleted what was in ${state}.\n`)
  return 0
}

function exists(folder: string): Promise<boolean> {
  return access(folder).then(
    () => true,
    () => false,
  )
}

async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new Refusal('Reset asks before it deletes: run it in a terminal, or with --yes.')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await terminal.question(question)
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
