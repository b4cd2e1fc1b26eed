import { askControl, controlPath } from '../control.ts'
import { readOptions, refuseWords } from '../options.ts'
import { type Ports, portBlock } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { StoreAway, showTrace, TraceError } from '../trace/show.ts'

/** Draws a trace: the newest, or the one with the id given. */
export async function trace(args: string[]): Promise<number> {
  const options = readOptions(args)
  refuseWords(options, 'trace', 1)
  const { words, full, state, portOffset } = options
  const [id = 'last'] = words
  const running = await portsOf(state)
  const ports = running ?? portBlock(portOffset, process.env)
  const queryUrl = `http://127.0.0.1:${ports.query}`
  try {
    const width = process.stdout.columns || 100
    process.stdout.write(await showTrace({ queryUrl, id, width, full }))
    return 0
  } catch (error) {
    if (error instanceof StoreAway) {
      throw new Refusal(explainAway(queryUrl, running ? state : undefined), { cause: error })
    }
    if (error instanceof TraceError) throw new Refusal(error.message, { cause: error })
    throw error
  }
}

/** @param state of the Clew that runs; undefined when none does */
function explainAway(queryUrl: string, state: string | undefined): string {
  return state
    ? `Clew runs in ${state}, but lens, which keeps the traces, does not answer at ${queryUrl}: try again in a moment; npm run status says how it is.`
    : `No traces can be read at ${queryUrl}: start Clew with npm start first.`
}

/** A running launcher knows its ports best. */
async function portsOf(state: string): Promise<Ports | undefined> {
  const answer = await askControl(controlPath(state), 'GET', '/processes').catch(() => undefined)
  return (answer?.body as { ports?: Ports } | undefined)?.ports
}
