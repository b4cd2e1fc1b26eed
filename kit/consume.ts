import { setTimeout as sleep } from 'node:timers/promises'
import { traceProcess } from '@clew/telemetry/events'
import type { ConsumeOptions } from './bus.ts'
import { claimEntry, type Entry, readEntries, toFact } from './entries.ts'
import { Problem } from './problem.ts'
import { RedisAway, type RedisConnection } from './redis.ts'

const blockMs = 2_000
const abandonedMs = 30_000
const batch = 100
const tries = 5
const pauseMs = { first: 250, most: 1_000 }

/** `failed` will be tried again, as will `away`, which was no fault of the fact's. */
type Outcome = 'done' | 'failed' | 'away'

/** Takes what is new, and comes back to what is left of earlier, until it is stopped. */
export async function consumeLoop(
  client: RedisConnection,
  stop: AbortSignal,
  options: ConsumeOptions,
): Promise<void> {
  const { stream, group, handlers, atOnce = 1, afterMs = 0, log } = options
  const consumer = process.env.CLEW_INSTANCE || '1'
  const place = { stream, group, consumer }
  let away = false
  let failedLast = ''
  let claimAt = 0
  // What this consumer had taken before it died comes first; then what is new.
  let lookAt = 0
  let left = 0
  let pause = pauseMs.first

  /** @param taken how often it was taken, this time included: Redis counts that, whoever dies of it */
  async function handle(entry: Entry, taken: number): Promise<Outcome> {
    const trouble = await handleEntry(entry, options).catch((error) => ({ error }))
    if (!trouble) {
      await client.xAck(stream, group, entry.id)
      return 'done'
    }
    const described = {
      err: trouble.error,
      event: entry.fields?.id ?? entry.id,
      type: entry.fields?.type,
    }
    if (isOutage(trouble.error)) {
      if (!away) log.warn(described, 'events wait')
      away = true
      const words = ['XCLAIM', stream, group, consumer, '0', entry.id]
      await client.sendCommand([...words, 'RETRYCOUNT', String(taken - 1), 'JUSTID'])
      return 'away'
    }
    log.error({ ...described, tries: taken }, 'event not handled')
    if (taken < tries) return 'failed'
    await putAside(entry)
    return 'done'
  }
  async function waitFor({ id, fields }: Entry): Promise<void> {
    if (!handlers[fields?.type ?? '']) return
    // A stream's ids begin with the time when the entry came, in milliseconds.
    const ms = Number.parseInt(id, 10) + afterMs - Date.now()
    if (afterMs > 0 && ms > 0) await pauseFor(ms)
  }
  function pauseFor(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: stop, ref: false }).catch(() => {})
  }
  async function putAside({ id, fields }: Entry): Promise<void> {
    if (fields) await client.xAdd(`${group}:dead:${stream}`, '*', fields)
    await client.xAck(stream, group, id)
  }
  async function handleAgain(id: string, taken: number): Promise<Outcome> {
    const entry = await claimEntry(client, place, id)
    await waitFor(entry)
    if (stop.aborted) return 'away'
    if (taken < tries) return handle(entry, taken + 1)
    log.error({ event: entry.fields?.id ?? id, tries }, 'event put aside: it ended its reader')
    await putAside(entry)
    return 'done'
  }

  /**
   * One after the other: should one of them end this process, it is known which. The next look goes
   * on behind the first that met an outage, so that what always does holds up nothing.
   */
  async function lookAgain(): Promise<void> {
    const most = 2 * batch
    const found = await client.xPendingRange(stream, group, '-', '+', most, { consumer })
    const start = found.findIndex(({ id }) => id === failedLast) + 1
    left = found.length
    for (const { id, deliveriesCounter } of [...found.slice(start), ...found.slice(0, start)]) {
      if (stop.aborted) return
      const outcome = await handleAgain(id, deliveriesCounter)
      if (outcome === 'done') left--
      if (outcome !== 'away') continue
      failedLast = id
      break
    }
    if (left === 0) away = false
    pause = left === 0 ? pauseMs.first : Math.min(pause * 2, pauseMs.most)
    lookAt = left === 0 && found.length < most ? Infinity : Date.now() + pause
  }

  async function takeNew(): Promise<void> {
    const command = ['XREADGROUP', 'GROUP', group, consumer]
    const waitMs = Math.max(1, Math.min(blockMs, lookAt - Date.now()))
    const from = { stream, from: '>', count: batch, blockMs: Math.round(waitMs) }
    const entries = await readEntries(client, command, from)
    let done = 0
    let metOutage = false
    await eachOf(entries, atOnce, async (entry) => {
      await waitFor(entry)
      // What is left of the batch is taken up by the next look, or by whoever reads next.
      if (stop.aborted || metOutage) return
      const outcome = await handle(entry, 1)
      if (outcome === 'done') done++
      if (outcome === 'away') metOutage = true
    })
    left += entries.length - done
    if (left > 0) lookAt = Math.min(lookAt, Date.now() + pause)
  }

  await client.xGroupCreate(stream, group, '0', { MKSTREAM: true }).catch(ignoreExisting)
  while (!stop.aborted) {
    if (Date.now() >= claimAt) {
      await client.xAutoClaimJustId(stream, group, consumer, abandonedMs, '0')
      claimAt = Date.now() + abandonedMs / 2
      lookAt = 0
    }
    if (Date.now() >= lookAt) await lookAgain()
    if (stop.aborted) return
    if (left < batch) await takeNew()
    else await pauseFor(lookAt - Date.now())
  }
}

/** Ends when all that was begun has ended, also when some of it throws. */
async function eachOf<Item>(
  items: Item[],
  atOnce: number,
  handle: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values()
  const work = async () => {
    for (const item of left) await handle(item)
  }
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

async function handleEntry({ id, fields }: Entry, options: ConsumeOptions): Promise<void> {
  const { stream, group, handlers } = options
  const handler = handlers[fields?.type ?? '']
  // Without fields it was trimmed from the stream after this consumer had taken it.
  if (!fields || !handler) return
  const { type, payload, carrier, ...fact } = toFact(fields)
  const { relation, handle } = handler
  // The loop itself is untraced; each fact brings its own context.
  await traceProcess({ stream, type, id: fact.id || id, group, carrier, relation }, () =>
    handle(payload as never),
  )
}

/** Nothing is wrong with the fact itself: a database or neighbour is away. */
function isOutage(error: unknown): boolean {
  return error instanceof RedisAway || (error instanceof Problem && error.status === 503)
}

function ignoreExisting(error: Error) {
  if (!error.message.startsWith('BUSYGROUP')) throw error
}
