import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Carrier, traceProcess } from '@clew/telemetry/events'
import { runUntraced } from '@clew/telemetry/untraced'
import type { Logger } from './log.ts'
import { Problem } from './problem.ts'
import { type Redis, RedisAway, type RedisConnection } from './redis.ts'

/** A fact that happened, as it travels: `type` such as `user.registered`, and the trace it belongs to. */
export type Fact = { id: string; type: string; payload: object; carrier: Carrier }
export type Handler = { relation: 'child' | 'link'; handle: (payload: never) => Promise<void> }
export type Bus = {
  /** Adds facts to a stream, in order, in one round trip. @throws RedisAway */
  append(stream: string, facts: Fact[]): Promise<void>
  /**
   * Handles each fact of a stream once per group, at least once each; handlers must be idempotent.
   * A fact that fails five times is put aside in the stream `{group}:dead:{stream}`.
   */
  consume(options: ConsumeOptions): AsyncDisposable
  /** Shows every fact from `sinceMs` (epoch) on to this process, whoever else reads it. Leaves no spans. */
  follow(options: FollowOptions): AsyncDisposable & { current(): boolean }
}
export type ConsumeOptions = {
  stream: string
  /** Begins with the service's name: Redis lets each service write only to keys that do. */
  group: string
  /** By type; facts of other types are acknowledged unread. */
  handlers: Record<string, Handler>
  log: Logger
  /** How many facts are handled at the same time; above 1 (the default) they are not kept in order. */
  atOnce?: number
}
export type FollowOptions = { stream: string; sinceMs: number; seen: (fact: Fact) => void }

type Entry = { id: string; fields: Record<string, string> | undefined }

const streamLength = 100_000
const blockMs = 2_000
const troubleMs = 250
const abandonedMs = 30_000
const batch = 100
const followBatch = 1_000
const tries = 5

/** Redis Streams. Another broker would stand in behind the same three functions. */
export function createBus(redis: Redis): Bus {
  return {
    async append(stream, facts) {
      const send = async (client: RedisConnection) => {
        const multi = client.multi()
        const trim = {
          TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: streamLength },
        } as const
        for (const fact of facts) multi.xAdd(stream, '*', toFields(fact), trim)
        await multi.exec()
      }
      await redis.run({ command: 'XADD', on: stream, batch: facts.length, send })
    },
    consume(options) {
      return startLoop(redis, (client, stop) => consumeLoop(client, stop, options), options.log)
    },
    follow(options) {
      const state = { last: `${options.sinceMs}-0`, current: false }
      const loop = startLoop(redis, (client, stop) => followLoop(client, stop, options, state))
      return Object.assign(loop, { current: () => state.current })
    },
  }
}

type Loop = (client: RedisConnection, stop: AbortSignal) => Promise<void>

/** Runs a blocking reader on a connection of its own, again after every trouble, until disposed. */
function startLoop(redis: Redis, loop: Loop, log?: Logger): AsyncDisposable {
  const stop = new AbortController()
  const done = runUntraced(async () => {
    await using client = redis.duplicate()
    stop.signal.addEventListener('abort', () => client.destroy())
    while (!stop.signal.aborted) {
      try {
        if (!client.isReady) await once(client, 'ready', { signal: stop.signal })
        await loop(client, stop.signal)
      } catch (error) {
        // Redis away is known from elsewhere; that it refuses us would otherwise never be.
        if (client.isReady && !stop.signal.aborted) log?.warn({ err: error }, 'events not read')
      }
      await sleep(troubleMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done
    },
  }
}

async function consumeLoop(client: RedisConnection, stop: AbortSignal, options: ConsumeOptions) {
  const { stream, group, atOnce = 1 } = options
  const consumer = process.env.CLEW_INSTANCE || '1'
  await client.xGroupCreate(stream, group, '0', { MKSTREAM: true }).catch(ignoreExisting)
  const failures = new Map<string, number>()
  let claimAt = 0
  // What this consumer had taken before it died comes first; then what is new.
  let from = '0'
  while (!stop.aborted) {
    if (Date.now() >= claimAt) {
      await client.xAutoClaim(stream, group, consumer, abandonedMs, '0')
      claimAt = Date.now() + abandonedMs / 2
      from = '0'
    }
    const reader = ['XREADGROUP', 'GROUP', group, consumer]
    const entries = await read(client, reader, { stream, from, count: batch, blockMs })
    let failed = 0
    await eachOf(entries, atOnce, async (entry) => {
      // What is left of the batch is taken up by whoever reads next.
      if (stop.aborted) return
      const outcome = await handleEntry(entry, options, failures)
      if (outcome === 'failed') failed++
      if (outcome === 'dead') await client.xAdd(`${group}:dead:${stream}`, '*', entry.fields ?? {})
      if (outcome !== 'failed') await client.xAck(stream, group, entry.id)
    })
    if (stop.aborted) return
    if (failed > 0) {
      from = '0'
      await sleep(Math.min(250 * 2 ** Math.min(failed, 4), 2_000), undefined, {
        signal: stop,
        ref: false,
      })
    } else if (entries.length === 0 || from === '>') from = '>'
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

/** `failed` will be tried again; `dead` was tried often enough and is put aside. */
async function handleEntry(
  entry: Entry,
  { stream, group, handlers, log }: ConsumeOptions,
  failures: Map<string, number>,
): Promise<'done' | 'failed' | 'dead'> {
  const { id = entry.id, type = '' } = entry.fields ?? {}
  const handler = handlers[type]
  // Without fields it was trimmed from the stream after this consumer had taken it.
  if (!handler || !entry.fields) return 'done'
  try {
    const { payload, carrier } = toFact(entry.fields)
    // The loop itself is untraced; each fact brings its own context.
    await traceProcess({ stream, type, id, group, carrier, relation: handler.relation }, () =>
      handler.handle(payload as never),
    )
    failures.delete(entry.id)
    return 'done'
  } catch (error) {
    if (isOutage(error)) return 'failed'
    const count = (failures.get(entry.id) ?? 0) + 1
    failures.set(entry.id, count)
    log.error({ err: error, event: id, type, tries: count }, 'event not handled')
    if (count < tries) return 'failed'
    failures.delete(entry.id)
    return 'dead'
  }
}

async function followLoop(
  client: RedisConnection,
  stop: AbortSignal,
  { stream, seen }: FollowOptions,
  state: { last: string; current: boolean },
) {
  try {
    while (!stop.aborted) {
      // Waits only once it has caught up, so that it knows soon when there is nothing to catch up.
      const waitMs = state.current ? blockMs : undefined
      const place = { stream, from: state.last, count: followBatch, blockMs: waitMs }
      const entries = await read(client, ['XREAD'], place)
      for (const entry of entries) {
        const fact = readFact(entry)
        if (fact) seen(fact)
        state.last = entry.id
      }
      state.current = entries.length < followBatch
    }
  } finally {
    state.current = false
  }
}

type Place = { stream: string; from: string; count: number; blockMs: number | undefined }
type Reply = Record<string, [id: string, fields: string[] | null][]> | null

/** The client's own commands throw on an entry that was taken by a group and trimmed meanwhile. */
async function read(
  client: RedisConnection,
  command: string[],
  { stream, from, count, blockMs }: Place,
): Promise<Entry[]> {
  const block = blockMs === undefined ? [] : ['BLOCK', String(blockMs)]
  const words = [...command, 'COUNT', String(count), ...block, 'STREAMS', stream, from]
  const reply = await client.sendCommand<Reply>(words)
  return (reply?.[stream] ?? []).map(([id, fields]) => ({
    id,
    fields: fields ? toObject(fields) : undefined,
  }))
}

function toObject(pairs: string[]): Record<string, string> {
  const object: Record<string, string> = {}
  for (let at = 0; at < pairs.length; at += 2) object[pairs[at]!] = pairs[at + 1]!
  return object
}

/** Nothing is wrong with the fact itself: a database or neighbour is away. */
function isOutage(error: unknown): boolean {
  return error instanceof RedisAway || (error instanceof Problem && error.status === 503)
}

function toFields(fact: Fact): Record<string, string> {
  return { id: fact.id, type: fact.type, payload: JSON.stringify(fact.payload), ...fact.carrier }
}

function toFact({ id = '', type = '', payload = '{}', ...carrier }: Record<string, string>): Fact {
  return { id, type, payload: JSON.parse(payload), carrier }
}

function readFact({ fields }: Entry): Fact | undefined {
  try {
    return fields && toFact(fields)
  } catch {
    return undefined
  }
}

function ignoreExisting(error: Error) {
  if (!error.message.startsWith('BUSYGROUP')) throw error
}
