import { askControl, controlPath } from '../control.ts'
import { readOptions } from '../options.ts'
import { type Ports, portBlock } from '../ports.ts'
import { Refusal } from '../refusal.ts'
import { showTrace, TraceError } from '../trace/show.ts'

/** Draws a trace: the newest, or the one with the id given. */
export async function trace(args: string[]): Promise<number> {
  const { words, full, state, portOffset } = readOptions(args)
  const [id = 'last'] = words
  const ports = (await portsOf(state)) ?? portBlock(portOffset, process.env)
  try {
    const queryUrl = `http://127.0.0.1:${ports.query}`
    const width = process.stdout.columns || 100
    process.stdout.write(await showTrace({ queryUrl, id, width, full }))
    return 0
  } catch (error) {
    if (error instanceof TraceError) throw new Refusal(error.message, { cause: error })
    throw error
  }
}

/** A running launcher knows its ports best. */
async function portsOf(state: string): Promise<Ports | undefined> {
  const answer = await askControl(controlPath(state), 'GET', '/processes').catch(() => undefined)
  return (answer?.body as { ports?: Ports } | undefined)?.ports
}
