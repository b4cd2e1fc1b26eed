import { type ChildProcess, spawn } from 'node:child_process'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { end, type Gateway, startGateway } from './gateway.ts'
import { freePorts } from './ports.ts'
import { startEcho } from './servers.ts'
import { startTailProcess } from './tail.ts'

const main = fileURLToPath(new URL('../../lens/src/main.ts', import.meta.url))
const soon = { timeout: 15_000 }

/** The real lens, taking spans on the gateway's port for them. */
async function startLens(gateway: Gateway) {
  const [query = 0, statsd = 0, metrics = 0] = await freePorts(3)
  let child: ChildProcess
  const start = () => {
    child = spawn(process.execPath, [main], {
      env: {
        PATH: process.env.PATH,
        LENS_OTLP_PORT: String(gateway.ports.lens),
        LENS_QUERY_PORT: String(query),
        LENS_STATSD_PORT: String(statsd),
        LENS_METRICS_PORT: String(metrics),
        LENS_DATA: join(gateway.folder, 'lens'),
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  start()
  return {
    start,
    end: (signal: NodeJS.Signals) => end(child, signal),
    /** Names of the spans it stores of a trace. */
    async names(trace: string): Promise<string[]> {
      const url = `http://127.0.0.1:${query}/api/v3/traces/${trace}`
      const answer = await fetch(url).catch(() => undefined)
      if (!answer?.ok) return []
      const found = JSON.stringify(await answer.json()).matchAll(/"name":"((?:GET|POST) [^"]*)"/g)
      return [...found].map(([, name = '']) => name)
    },
    [Symbol.asyncDispose]: () => end(child, 'SIGTERM'),
  }
}

test('lens killed and started again has every request once', async () => {
  await using gateway = await startGateway()
  await using _ = await startEcho(gateway.ports.profile)
  await using lens = await startLens(gateway)
  await using tail = await startTailProcess(gateway)
  const trace = 'abcdef0123456789abcdef0123456789'
  const headers = { traceparent: `00-${trace}-00000000000000aa-01` }
  const visit = () => fetch(`${gateway.url}/api/users/1`, { headers })

  for (let count = 0; count < 5; count++) await visit()
  await expect.poll(() => lens.names(trace), soon).toHaveLength(5)

  await lens.end('SIGKILL')
  for (let count = 0; count < 5; count++) await visit()
  await tail.kill()
  // The same lines once more, as after a crash between the acknowledgement and the cursor.
  await unlink(gateway.paths.cursor)
  lens.start()
  await using _again = await startTailProcess(gateway)
  await expect.poll(() => lens.names(trace), soon).toEqual(Array(10).fill('GET /api/users/{id}'))
})
