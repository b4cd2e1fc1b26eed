import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readPlatform } from '../platform.ts'
import type { ServiceRow } from './services.ts'

export type Instance = AsyncDisposable & {
  url: string
  pid: number
  /** What it wrote to stdout and stderr so far. */
  output(): string
  kill(signal: NodeJS.Signals): void
  /** Its exit code, once it has ended. */
  ended: Promise<number | null>
}

const root = join(import.meta.dirname, '..', '..')
const readyMs = 20_000

/** Starts an instance of a service beside the platform's own, on the same databases; waits until it is ready. */
export async function startInstance(
  { name }: ServiceRow,
  env: Record<string, string> = {},
): Promise<Instance> {
  const port = await freePort()
  const instance = launch(name, {
    ...readPlatform().env,
    OTEL_SERVICE_NAME: name,
    CLEW_INSTANCE: `contract-${port}`,
    [`${name.toUpperCase()}_PORT`]: String(port),
    ...env,
  })
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + readyMs
  while (!(await isReady(url))) {
    if (Date.now() > deadline) throw new Error(`${name} is not ready:\n${instance.output()}`)
    await sleep(50)
  }
  return { ...instance, url }
}

/** Starts a service with exactly these variables, and does not wait. */
export function launch(name: string, env: Record<string, string>): Omit<Instance, 'url'> {
  const register = join(root, 'telemetry', 'node', 'register.ts')
  const main = join(root, 'services', name, 'src', 'main.ts')
  const child = spawn(process.execPath, ['--import', register, main], {
    cwd: root,
    env: { PATH: process.env.PATH, ...env },
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  return {
    pid: child.pid ?? 0,
    output: () => output,
    kill: (signal) => child.kill(signal),
    ended,
    [Symbol.asyncDispose]: () => end(child, ended),
  }
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(15_000).then(() => child.kill('SIGKILL'))])
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok
  } catch {
    return false
  }
}

/** A free port below 32768, where no outgoing connection can sit on it meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    if (await promise) return port
  }
}
