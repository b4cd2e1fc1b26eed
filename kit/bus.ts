import { setTimeout as sleep } from 'node:timers/promises'
import { type Carrier, traceProcess } from '@clew/telemetry/events'
import { context } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import type { Logger } from './log.ts'
import { Problem } from './problem.ts'
import { type Redis, RedisAway, type RedisConnection } from './redis.ts'

/** A fact that happened, as it travels: `type` such as `user.registered`, and the trace it belongs to. */
export type Fact = { id: string; type: string; payload: object; carrier: Carrier }
export type Handler = { relation: 'child' | 'link'; handle: (payload: never) => Promise<void> }
export type Bus = {
  /** Adds facts to a stream, in order, in one round trip. @throws RedisAway */
  append(stream: string, facts: Fact[]): Promise<void>
  /** Handles each fact of a stream once per group, at least once each; handlers must be idempotent. */
  consume(options: ConsumeOptions): AsyncDisposable
  /** Shows every fact from `sinceMs` (epoch) on to this process, whoever else reads it. Leaves no spans. */
  follow(options: FollowOptions): AsyncDisposable & { current(): boolean }
}
export type ConsumeOptions = {
  stream: string
  group: string
  /** By type; facts of other types are acknowledged unread. */
  handlers: Record<string, Handler>
  log: Logger
}
export type FollowOptions = { stream: string; sinceMs: number; seen: (fact: Fact) => void }

const streamLength = 100_000
const blockMs = 2_000
const abandonedMs = 30_000
const tries = 5

type Entry = { id: string; message: Record<string, string> }

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
    consume: (options) => startLoop(redis, (client, stop) => consumeLoop(client, stop, options)),
    follow(options) {
      const state = { current: false }
      const loop = startLoop(redis, (client, stop) => followLoop(client, stop, options, state))
      return Object.assign(loop, { current: () => state.current })
    },
  }
}

type Loop = (client: RedisConnection, stop: AbortSignal) => Promise<void>

/** Runs a blocking reader on a connection of its own, again after every trouble, until disposed. */
function startLoop(redis: Redis, loop: Loop): AsyncDisposable {
  const stop = new AbortController()
  const done = context.with(suppressTracing(context.active()), async () => {
    await using client = await redis.duplicate()
    stop.signal.addEventListener('abort', () => client.destroy())
    while (!stop.signal.aborted) {
      await loop(client, stop.signal).catch(() => {})
      await sleep(250, undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  })
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done.catch(() => {})
    },
  }
}

async function consumeLoop(client: RedisConnection, stop: AbortSignal, options: ConsumeOptions) {
  const { stream, group } = options
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
    const read = await client.xReadGroup(
      group,
      consumer,
      { key: stream, id: from },
      { COUNT: 100, BLOCK: blockMs },
    )
    const entries = entriesOf(read)
    let failed = 0
    for (const entry of entries) {
      const outcome = await handleEntry(entry, options, failures)
      if (outcome === 'failed') failed++
      if (outcome === 'dead') await client.xAdd(`${stream}:dead`, '*', entry.message)
      if (outcome !== 'failed') await client.xAck(stream, group, entry.id)
    }
    if (failed > 0) {
      from = '0'
      await sleep(Math.min(250 * 2 ** Math.min(failed, 4), 2_000), undefined, {
        signal: stop,
        ref: false,
      })
    } else if (entries.length === 0 || from === '>') from = '>'
  }
}

/** `failed` will be tried again; `dead` was tried often enough and is put aside. */
async function handleEntry(
  entry: Entry,
  { stream, group, handlers, log }: ConsumeOptions,
  failures: Map<string, number>,
): Promise<'done' | 'failed' | 'dead'> {
  const fact = toFact(entry.message)
  const handler = handlers[fact.type]
  if (!handler) return 'done'
  const { id, type, carrier } = fact
  try {
    // The loop itself is untraced; each fact brings its own context.
    await traceProcess({ stream, type, id, group, carrier, relation: handler.relation }, () =>
      handler.handle(fact.payload as never),
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
  { stream, sinceMs, seen }: FollowOptions,
  state: { current: boolean },
) {
  let last = `${sinceMs}-0`
  try {
    while (!stop.aborted) {
      const read = await client.xRead({ key: stream, id: last }, { COUNT: 1_000, BLOCK: blockMs })
      for (const entry of entriesOf(read)) {
        seen(toFact(entry.message))
        last = entry.id
      }
      state.current = true
    }
  } finally {
    state.current = false
  }
}

/** Nothing is wrong with the fact itself: a database or neighbour is away. */
function isOutage(error: unknown): boolean {
  return error instanceof RedisAway || (error instanceof Problem && error.status === 503)
}

function entriesOf(read: unknown): Entry[] {
  return (read as { messages: Entry[] }[] | null)?.flatMap((stream) => stream.messages) ?? []
}

function toFields(fact: Fact): Record<string, string> {
  return { id: fact.id, type: fact.type, payload: JSON.stringify(fact.payload), ...fact.carrier }
}

function toFact({ id = '', type = '', payload = '{}', ...carrier }: Record<string, string>): Fact {
  return { id, type, payload: JSON.parse(payload), carrier }
}

function ignoreExisting(error: Error) {
  if (!error.message.startsWith('BUSYGROUP')) throw error
}
