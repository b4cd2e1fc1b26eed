import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { portBlock } from '@clew/launcher/ports'
import { Agent, request } from 'undici'
import { cpuMicrosOf, memoryMegabytesOf } from './processes.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const main = join(root, 'telemetry/lens/src/main.ts')
// The block of the benchmarks, away from those of the tests.
const { otlp, query, statsd, metrics } = portBlock(13_000)

export type LensProcess = AsyncDisposable & {
  /** Milliseconds from spawning to the first good answer of `/readyz`. */
  readyMs: number
  /** @returns whether the batch was acknowledged; false when lens is gone */
  send(body: Buffer): Promise<boolean>
  ask(path: string): Promise<{ status: number; text: string }>
  /** So far. */
  cpuMicros(): number
  megabytes(): number
  kill(): Promise<void>
}

/** A folder for a database, gone afterwards. */
export async function openFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'clew-bench-lens-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Starts lens as the launcher does, on its own ports over the given folder. */
export async function startLens(folder: string): Promise<LensProcess> {
  const started = performance.now()
  const child = spawn(process.execPath, [main], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: join(tmpdir(), 'clew-bench-compile-cache'),
      LENS_DATA: folder,
      LENS_OTLP_PORT: String(otlp),
      LENS_QUERY_PORT: String(query),
      LENS_STATSD_PORT: String(statsd),
      LENS_METRICS_PORT: String(metrics),
    },
  })
  const agent = new Agent({ connections: 4 })
  const ask = async (path: string) => {
    const url = `http://127.0.0.1:${query}${path}`
    const { statusCode, body } = await request(url, { dispatcher: agent })
    return { status: statusCode, text: await body.text() }
  }
  await untilReady(child, ask)
  const readyMs = performance.now() - started
  return {
    readyMs,
    ask,
    async send(body) {
      const url = `http://127.0.0.1:${otlp}/v1/traces`
      const headers = { 'content-type': 'application/json' }
      try {
        const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent })
        const text = await answer.body.text()
        return answer.statusCode === 200 && text === '{"partialSuccess":{}}'
      } catch {
        return false
      }
    },
    cpuMicros: () => cpuMicrosOf(child.pid!),
    megabytes: () => memoryMegabytesOf(child.pid!),
    kill: () => end(child, agent, 'SIGKILL'),
    [Symbol.asyncDispose]: () => end(child, agent, 'SIGTERM'),
  }
}

async function untilReady(
  child: ChildProcess,
  ask: (path: string) => Promise<{ status: number }>,
): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`lens ended with code ${child.exitCode}`)
    const answer = await ask('/readyz').catch(() => undefined)
    if (answer?.status === 200) return
    await sleep(5)
  }
}

async function end(child: ChildProcess, agent: Agent, signal: 'SIGTERM' | 'SIGKILL') {
  await agent.destroy()
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
