import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { makeSpan, openFolder, toBody, traceIdOf } from './lens.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const otlp = 'http://127.0.0.1:14358/v1/traces'
const query = 'http://127.0.0.1:16726'

async function start(folder: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main], {
    stdio: 'ignore',
    env: {
      ...process.env,
      LENS_DATA: folder,
      LENS_OTLP_PORT: '14358',
      LENS_QUERY_PORT: '16726',
      LENS_STATSD_PORT: '18165',
      LENS_METRICS_PORT: '19142',
    },
  })
  for (;;) {
    if (child.exitCode !== null) throw new Error(`lens ended with ${child.exitCode}`)
    const answer = await fetch(`${query}/readyz`).catch(() => undefined)
    if (answer?.ok) return child
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

/** Sends two spans a trace until lens is gone; returns the last trace that was acknowledged. */
async function sendUntilGone(first: number): Promise<number> {
  const headers = { 'content-type': 'application/json' }
  for (let trace = first; ; trace++) {
    const body = toBody([makeSpan(trace, 1), makeSpan(trace, 2, { parent: 1 })])
    const answer = await fetch(otlp, { method: 'POST', headers, body }).catch(() => undefined)
    if (!answer?.ok) return trace - 1
  }
}

test('10: kill -9 while writing loses nothing that was acknowledged, and the file opens', async () => {
  await using folder = await openFolder()
  let acknowledged = 0
  for (const ms of [150, 60, 220]) {
    const lens = await start(folder.path)
    const sent = sendUntilGone(acknowledged + 1)
    await new Promise((resolve) => setTimeout(resolve, ms))
    await end(lens, 'SIGKILL')
    acknowledged = await sent
  }
  expect(acknowledged).toBeGreaterThan(3)
  const lens = await start(folder.path)
  const missing: number[] = []
  for (let trace = 1; trace <= acknowledged; trace++) {
    const answer = await fetch(`${query}/api/v3/traces/${traceIdOf(trace)}`)
    const spans = (await answer.text()).match(/"spanId"/g) ?? []
    if (spans.length !== 2) missing.push(trace)
  }
  expect(missing).toEqual([])
  expect(await end(lens, 'SIGTERM')).toBe(0)
})
