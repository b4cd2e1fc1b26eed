import {
  type DefaultRenderer,
  Listr,
  type ListrTaskWrapper,
  PRESET_TIMER,
  type SilentRenderer,
} from 'listr2'
import type { Change } from './supervisor.ts'

export type Progress = {
  tell(change: Change): void
  /** No more is to be shown of the start, whether it went well or not. */
  end(): Promise<void>
}

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SilentRenderer>

/** Shows the start of the named parts: a live list on a terminal, else a line for each that is ready. */
export function showProgress(names: string[]): Progress {
  return process.stdout.isTTY ? showList(['tools', ...names]) : showLines()
}

/** After the start only trouble and changes of source are worth a line, and their end. */
export function showTrouble({ name, state, detail }: Change): void {
  if (state === 'starting' && detail) process.stdout.write(`${name}: ${detail}\n`)
  // What it says begins with the name.
  if (state === 'failed') process.stdout.write(`${detail}\n`)
  if (state === 'crashed') process.stdout.write(`${name} ${detail}\n`)
  if (state === 'ready') process.stdout.write(`${name} is ready\n`)
}

function showLines(): Progress {
  const began = new Map<string, number>()
  return {
    tell({ name, state, detail }) {
      if (state === 'starting' && !began.has(name)) began.set(name, performance.now())
      const seconds = (performance.now() - (began.get(name) ?? performance.now())) / 1000
      if (state === 'starting' && detail) process.stdout.write(`${name}: ${detail}\n`)
      if (state === 'ready' || state === 'done') {
        process.stdout.write(`${name} ${state} (${seconds.toFixed(1)} s)\n`)
      }
      if (state === 'crashed' || state === 'failed') process.stdout.write(`${name} ${state}\n`)
    },
    end: async () => undefined,
  }
}

function showList(names: string[]): Progress {
  const tasks = new Map<string, Task>()
  const settled = new Map(names.map((name) => [name, Promise.withResolvers<void>()]))
  const list = new Listr<unknown, 'default', 'silent'>(
    names.map((name) => ({
      title: name,
      task: (_: unknown, task: Task) => {
        tasks.set(name, task)
        return settled.get(name)?.promise
      },
    })),
    { concurrent: true, exitOnError: false, rendererOptions: { timer: PRESET_TIMER } },
  )
  const shown = list.run()
  return {
    tell({ name, state, detail }) {
      const task = tasks.get(name)
      if (task) task.output = detail
      if (state === 'ready' || state === 'done') settled.get(name)?.resolve()
      if (state === 'failed') settled.get(name)?.reject(new Error('did not start'))
    },
    async end() {
      for (const [name, { resolve }] of settled) {
        tasks.get(name)?.skip()
        resolve()
      }
      await shown
    },
  }
}
