import { setTimeout as sleep } from 'node:timers/promises'
import { openFolder, startLens } from './lens-process.ts'
import { makeBatches } from './spans.ts'

/**
 * Kills lens with -9 while four senders write, starts it again over the same folder, and asks for every
 * trace of every batch that was acknowledged before. Returns the number of spans that are missing.
 */
export async function countLostByKills(
  kills: number,
): Promise<{ acknowledged: number; lost: number }> {
  await using folder = await openFolder()
  const expected = new Map<string, number>()
  for (let round = 0; round < kills; round++) {
    const lens = await startLens(folder.path)
    const batches = makeBatches(1_000_000, { batch: 50, trace: 10 })
    const senders = Array.from({ length: 4 }, async () => {
      for (const { body, spans, traces } of batches) {
        if (!(await lens.send(body))) return
        for (const trace of traces) expected.set(trace, spans / traces.length)
      }
    })
    await sleep(50 + Math.random() * 200)
    await lens.kill()
    await Promise.all(senders)
  }
  await using lens = await startLens(folder.path)
  let acknowledged = 0
  let lost = 0
  for (const [trace, spans] of expected) {
    const { status, text } = await lens.ask(`/api/v3/traces/${trace}`)
    const found = status === 200 ? (text.match(/"spanId"/g)?.length ?? 0) : 0
    acknowledged += spans
    lost += Math.max(0, spans - found)
  }
  return { acknowledged, lost }
}
