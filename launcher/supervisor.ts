import { closeSync, openSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { backoffMs } from './backoff.ts'
import { recordIdentity } from './identity.ts'
import type { Context, Row } from './processes.ts'
import { Refusal } from './refusal.ts'

/**
 * `waiting` has not begun, `failed` did not come up and was given up, `crashed` ended by itself and
 * will start again.
 */
export type State =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'done'
  | 'crashed'
  | 'failed'
  | 'stopping'
  | 'stopped'
export type Change = { name: string; state: State; detail: string }
export type Status = {
  name: string
  state: State
  /** Milliseconds since 1970 at which it came into that state. */
  since: number
  pid: number | undefined
  restarts: number
}
export type Part = {
  status(): Status
  /** Starts it and waits until it is ready. @throws Refusal with its last words when it does not come up */
  start(): Promise<void>
  /** Asks it to end, insists after a while, and is done when nothing of it is left. */
  stop(): Promise<void>
  /** Sends a signal; a process that dies of it counts as crashed. @returns false when it does not run */
  kill(signal: NodeJS.Signals): boolean
}

const readyWithinMs = 60_000
const stopWithinMs = 15_000
const steadyAfterMs = 60_000
// What Node says of an uncaught error: its place, its words and its stack.
const lastLines = 20

/** Keeps one row of the table running. */
export function createPart(
  row: Row,
  context: Context,
  env: Record<string, string>,
  tell: (change: Change) => void,
): Part {
  const log = join(context.state, 'logs', `${row.name}.log`)
  const pidFile = join(context.state, 'run', `${row.name}.pid`)
  let state: State = 'waiting'
  let since = Date.now()
  let restarts = 0
  let readySince = 0
  let child: Child | undefined
  let halt = new AbortController()

  const become = (next: State, detail = '') => {
    state = next
    since = Date.now()
    tell({ name: row.name, state, detail })
  }

  async function comeUp(signal: AbortSignal): Promise<Child> {
    await row.prepare?.(context, env)
    // Whoever asked it to stop meanwhile has gone away believing that nothing runs.
    signal.throwIfAborted()
    const running = spawn(row, context, env, log)
    child = running
    try {
      await recordIdentity(pidFile, running.pid)
      await untilReady(running)
    } catch (error) {
      // Whatever it was: nobody looks after this child any more.
      await end(running, 'SIGKILL')
      throw error
    }
    readySince = performance.now()
    become('ready')
    return running
  }

  async function untilReady(running: Child): Promise<void> {
    const ready = row.ready?.(context) ?? (async () => true)
    const deadline = performance.now() + readyWithinMs
    while (!(await ready())) {
      const ended = await Promise.race([running.ended, sleep(30)])
      if (ended) throw new Refusal(await lastWords(`${ended} before it was ready`))
      if (performance.now() > deadline) {
        throw new Refusal(await lastWords(`was not ready within ${readyWithinMs / 1000} s`))
      }
    }
  }

  /** Follows a running child; when it ends without being asked to, starts another after a pause. */
  async function keepUp(running: Child, signal: AbortSignal): Promise<void> {
    let reason = await running.ended
    while (!signal.aborted) {
      restarts = performance.now() - readySince > steadyAfterMs ? 1 : restarts + 1
      const pause = backoffMs(restarts)
      become('crashed', `${reason}; starts again in ${pause / 1000} s`)
      await sleep(pause, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      reason = await comeUp(signal).then(
        (next) => next.ended,
        (error: Error) => error.message,
      )
    }
  }

  async function lastWords(what: string): Promise<string> {
    const text = await readFile(log, 'utf8').catch(() => '')
    const tail = text.trimEnd().split('\n').slice(-lastLines).join('\n    ')
    return `${row.name} ${what}; the end of ${relative(process.cwd(), log)}:\n    ${tail}`
  }

  return {
    status: () => ({ name: row.name, state, since, pid: child?.pid || undefined, restarts }),
    async start() {
      if (state === 'ready' || state === 'starting' || state === 'crashed') return
      halt = new AbortController()
      const { signal } = halt
      become('starting')
      try {
        if (!row.command) {
          await row.prepare?.(context, env)
          return become('done')
        }
        void keepUp(await comeUp(signal), signal)
      } catch (error) {
        if (!signal.aborted)
          become('failed', error instanceof Error ? error.message : String(error))
        throw error
      }
    },
    async stop() {
      halt.abort()
      if (!child) return
      become('stopping')
      await end(child, row.stopSignal ?? 'SIGTERM')
      child = undefined
      await rm(pidFile, { force: true })
      become('stopped')
    },
    kill: (signal) => child?.signal(signal) ?? false,
  }
}

type Child = {
  pid: number
  /** How it ended, in words; by then nothing of its process group is left. */
  ended: Promise<string>
  signal(signal: NodeJS.Signals): boolean
}

function spawn(row: Row, context: Context, env: Record<string, string>, log: string): Child {
  const [file = '', ...args] = row.command?.(context) ?? []
  // Any descriptor will do; execa's types list only the standard ones.
  const output = openSync(log, 'a') as 1
  const subprocess = execa(file, args, {
    cwd: context.root,
    env,
    extendEnv: false,
    // Straight into the file: a child outlives a killed launcher and must not choke on a closed pipe.
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    // A group of its own: Ctrl-C in the terminal reaches only the launcher, which stops all in order.
    detached: true,
    cleanup: false,
    reject: false,
    forceKillAfterDelay: false,
  })
  closeSync(output)
  const { pid } = subprocess
  const ended = subprocess.then(({ exitCode, signal, shortMessage }) => {
    if (pid) signalGroup(pid, 'SIGKILL')
    if (signal) return `was ended by ${signal}`
    return exitCode === undefined
      ? `could not run (${shortMessage})`
      : `ended with code ${exitCode}`
  })
  return { pid: pid ?? 0, ended, signal: (name) => subprocess.kill(name) }
}

async function end(child: Child, signal: NodeJS.Signals): Promise<void> {
  child.signal(signal)
  // One that is frozen would not hear it.
  child.signal('SIGCONT')
  const insist = setTimeout(() => child.signal('SIGKILL'), stopWithinMs)
  await child.ended
  clearTimeout(insist)
}

/** Workers may outlive their master and hold its port. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
