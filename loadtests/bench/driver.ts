import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { cpuMicrosOf } from './processes.ts'

/** A process that makes the load: its own work neither delays the bench nor counts as the platform's. */
export type Driver = AsyncDisposable & {
  /** Has it carry out a command, and waits for what came of it. @throws Error with its words */
  ask<Answer>(command: string, question?: object): Promise<Answer>
  /** So far. */
  cpuMicros(): number
}
type Question = { command: string; question: object }
type Reply = { answer: unknown } | { error: string }
type Commands = Record<string, (question: never) => Promise<unknown>>

/** Starts a file of this folder that calls `serveDriver`. */
export function startDriver(file: string): Driver {
  const child = fork(join(import.meta.dirname, file), { serialization: 'advanced' })
  return {
    async ask<Answer>(command: string, question: object = {}) {
      const stop = new AbortController()
      const ended = once(child, 'exit', { signal: stop.signal }).then(() => {
        throw new Error(`${file} ended`)
      })
      child.send({ command, question } satisfies Question)
      const heard = once(child, 'message', { signal: stop.signal })
      const [reply] = (await Promise.race([heard, ended]).finally(() => {
        stop.abort()
        ended.catch(() => undefined)
      })) as [Reply]
      if ('error' in reply) throw new Error(reply.error)
      return reply.answer as Answer
    },
    cpuMicros: () => cpuMicrosOf(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Within the driver's process: answers commands one by one, and ends when the bench has. */
export function serveDriver(commands: Commands): void {
  process.on('disconnect', () => process.exit())
  process.on('message', async ({ command, question }: Question) => {
    const reply = await carryOut(commands, command, question)
    process.send?.(reply)
  })
}

async function carryOut(commands: Commands, command: string, question: object): Promise<Reply> {
  try {
    return { answer: await commands[command]?.(question as never) }
  } catch (error) {
    return { error: (error as Error).message }
  }
}
