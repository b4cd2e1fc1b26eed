import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type Collector, openCollector } from './collector.ts'
import { openStatsDEar, type StatsDEar } from './statsd-ear.ts'

type Made = { made: number; before: number; most: number }

const children: ChildProcess[] = []
const owned: AsyncDisposable[] = []
const own = <Thing extends AsyncDisposable>(thing: Thing): Thing => {
  owned.push(thing)
  return thing
}

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const thing of owned.splice(0)) await thing[Symbol.asyncDispose]()
})

describe('spans on their way to the collector', () => {
  it('all arrive at 5,000 a second while the collector answers 20 ms late', async () => {
    const collector = own(await openCollector({ lateMs: 20 }))
    const maker = await makeSpans(collector.url, { spans: 15_000, perSecond: 5_000 })
    await maker.ended
    expect(collector.spans()).toHaveLength(15_000)
    expect(new Set(collector.spans().map(({ id }) => id)).size).toBe(15_000)
  })

  it('say who made them', async () => {
    const collector = own(await openCollector())
    await (await makeSpans(collector.url, { spans: 1, perSecond: 100 })).ended
    const [span] = collector.spans()
    expect(span?.resource).toMatchObject({
      'service.name': { value: 'maker' },
      'service.version': { type: 'string' },
      'service.instance.id': { value: 'maker-7' },
      'deployment.environment.name': { value: 'test' },
    })
    expect(span?.attributes['cache.hit']).toEqual({ type: 'boolean', value: true })
  })

  it('wait while the collector is away, are counted when they no longer fit, and go on after', async () => {
    const ear = own(await openStatsDEar())
    const gone = await openCollector()
    await gone[Symbol.asyncDispose]()
    const spans = 60_000
    const maker = await makeSpans(gone.url, { spans, perSecond: 12_000, stays: true, ear })
    const { before, most } = await maker.made
    expect(most - before).toBeLessThan(50)

    const port = Number(new URL(gone.url).port)
    const back = own(await openCollector({ port }))
    await settle(back)
    maker.child.kill('SIGTERM')
    await maker.ended
    await sleep(100)
    const stored = back.spans().length
    const dropped = ear.sum('telemetry.spans', 'outcome:dropped')
    expect(dropped).toBeGreaterThan(0)
    expect(ear.sum('telemetry.spans', 'outcome:ended')).toBe(spans)
    expect(ear.sum('telemetry.spans', 'outcome:exported')).toBe(stored)
    expect(stored + dropped).toBe(spans)
  })

  it('are sent again when the collector is behind, and given up when it refuses them', async () => {
    const ear = own(await openStatsDEar())
    const collector = own(await openCollector({ statuses: [503, 429, 400] }))
    const maker = await makeSpans(collector.url, { spans: 10, perSecond: 1_000, stays: true, ear })
    await maker.made
    while (collector.batches() < 3) await sleep(50)
    maker.child.kill('SIGTERM')
    await maker.ended
    await sleep(100)
    expect(collector.spans()).toHaveLength(0)
    expect(ear.sum('telemetry.spans', 'outcome:dropped')).toBe(10)
  })

  it('that the collector rejects one by one are counted', async () => {
    const ear = own(await openStatsDEar())
    const body = '{"partialSuccess":{"rejectedSpans":"4","errorMessage":"no"}}'
    const collector = own(await openCollector({ body }))
    const maker = await makeSpans(collector.url, { spans: 10, perSecond: 1_000, ear })
    await maker.ended
    await sleep(100)
    expect(ear.sum('telemetry.spans', 'outcome:dropped')).toBe(4)
    expect(ear.sum('telemetry.spans', 'outcome:exported')).toBe(6)
  })

  it('do not hold a process that ends, even when nobody takes them', async () => {
    const ear = own(await openStatsDEar())
    const gone = await openCollector()
    await gone[Symbol.asyncDispose]()
    const maker = await makeSpans(gone.url, { spans: 100, perSecond: 10_000, ear })
    await maker.made
    const asked = performance.now()
    expect(await maker.ended).toBe(0)
    // Three seconds are the promise; the rest is for a machine that is busy.
    expect(performance.now() - asked).toBeLessThan(5_000)
    await sleep(100)
    expect(ear.sum('telemetry.spans', 'outcome:dropped')).toBe(100)
  })
})

/** Waits until spans have come, and no more of them come. */
async function settle(collector: Collector): Promise<void> {
  await collector.receive(1)
  for (let seen = 0; seen < collector.spans().length; ) {
    seen = collector.spans().length
    await sleep(1_000)
  }
}

type Making = { spans: number; perSecond: number; stays?: boolean; ear?: StatsDEar }

async function makeSpans(endpoint: string, { spans, perSecond, stays = false, ear }: Making) {
  const child = fork(
    join(import.meta.dirname, 'span-maker.ts'),
    [String(spans), String(perSecond), stays ? 'stay' : 'end'],
    {
      execArgv: ['--import', join(import.meta.dirname, '..', 'register.ts')],
      env: {
        ...process.env,
        OTEL_SERVICE_NAME: 'maker',
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        CLEW_ENVIRONMENT: 'test',
        CLEW_INSTANCE: '7',
        CLEW_TELEMETRY: 'lean',
        CLEW_STATSD: ear?.address ?? '127.0.0.1:9',
      },
    },
  )
  children.push(child)
  const made = once(child, 'message').then(([message]) => message as Made)
  const ended = once(child, 'exit').then(([code]) => code as number)
  return { child, made, ended }
}
