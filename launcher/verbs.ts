import { parseArgs } from 'node:util'
import { Refusal } from './refusal.ts'
import { start } from './verbs/start.ts'

export async function runVerb([verb = 'start', ...args]: string[]): Promise<number> {
  if (verb === 'start') return start(args)
  throw new Refusal(`unknown verb ${verb}`)
}
export { parseArgs }
