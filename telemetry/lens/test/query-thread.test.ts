import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { createLogger } from '@clew/kit/log'
import { expect, test } from 'vitest'
import { createCounters } from '../src/counters.ts'
import { openQuery } from '../src/query/open-query.ts'
import { openStore } from '../src/store/store.ts'
import { openFolder } from './lens.ts'

const port = 16728

test('a thread that died is replaced, and the last one ends with lens', async () => {
  const threads: Worker[] = []
  const keep = (thread: Worker) => threads.push(thread)
  process.on('worker', keep)
  try {
    await using folder = await openFolder()
    const counters = createCounters()
    await using _ = openStore(folder.path, { bytes: 1e9, traces: 1e6 }, counters)
    const log = createLogger('lens')
    const query = { folder: folder.path, port, host: '127.0.0.1', counters, log }
    await using opened = await openQuery(query)
    await threads[0]?.terminate()
    while (!(await answers())) await sleep(20)
    expect(threads).toHaveLength(2)
    await opened[Symbol.asyncDispose]()
    expect(await answers()).toBe(false)
  } finally {
    process.off('worker', keep)
  }
})

function answers(): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/readyz`).then(
    (answer) => answer.ok,
    () => false,
  )
}
