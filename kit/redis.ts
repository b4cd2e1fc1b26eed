import { type Operation, traceOperation } from '@clew/telemetry/database'
import { runUntraced } from '@clew/telemetry/untraced'
import type { Attributes } from '@opentelemetry/api'
import { createClient, ErrorReply, type RedisClientType } from 'redis'

export type RedisConnection = RedisClientType
export type Redis = AsyncDisposable & {
  /**
   * Runs one logical operation (a command, or a pipeline of `batch` commands) on keys of one kind.
   * @throws RedisAway when there is no answer within 50 ms; for one second after that, at once
   */
  run<Result>(call: RedisCall<Result>): Promise<Result>
  /** As `run`, but gives undefined when Redis is away: for caches, where that is a miss. */
  attempt<Result>(call: RedisCall<Result>): Promise<Result | undefined>
  /** A connection of its own, for reads that block up to 2 s. It connects by itself, now and again. */
  duplicate(): RedisConnection & AsyncDisposable
  ping(): Promise<void>
}
export type RedisCall<Result> = {
  /** The command, in capitals: `GET`. */
  command: string
  /** What kind of key: `session`, `profile`. Never an id. */
  on: string
  batch?: number
  send: (client: RedisConnection) => Promise<Result>
  /** What the span says of the result, such as `cache.hit`. */
  outcome?: (result: Result) => Attributes
}

/** Redis did not answer in time, or there is no connection to it. */
export class RedisAway extends Error {
  override name = 'RedisAway'
  readonly code = 'REDIS_AWAY'
}

/** How long a request waits for Redis before it does without, in milliseconds. */
const patienceMs = Number(process.env.CLEW_REDIS_PATIENCE_MS || 50)
const restMs = 1_000
// Replies of a Redis that cannot serve now but will: it reads its file, is full, or is not the master.
const passing = /^(?:LOADING|OOM|BUSY|READONLY|MASTERDOWN|MISCONF)\b/

/** Opens a connection, and keeps reopening it. Redis may be away now, or later: calls then fail fast. */
export async function openRedis(url: string): Promise<Redis> {
  const { hostname, port } = new URL(url)
  const client = createConnection(url)
  // Not awaited beyond a second: a service starts without Redis, and works from Postgres.
  await Promise.race([
    connect(client),
    new Promise((resolve) => setTimeout(resolve, 1_000).unref()),
  ])
  const describe = describeCommand(hostname, Number(port || 6379))
  let restsUntil = 0

  function patiently<Result>(send: () => Promise<Result>): Promise<Result> {
    if (!client.isReady || performance.now() < restsUntil) {
      return Promise.reject(new RedisAway('Redis is away'))
    }
    const sent = send()
    return new Promise((resolve, reject) => {
      let answered = false
      // What arrived while this process itself was busy is read before Redis is called late.
      const timer = setTimeout(() => setImmediate(giveUp), patienceMs)
      function giveUp() {
        if (answered) return
        restsUntil = performance.now() + restMs
        reject(new RedisAway(`Redis gave no answer within ${patienceMs} ms`))
      }
      function answer() {
        answered = true
        clearTimeout(timer)
      }
      sent.then(
        (result) => {
          answer()
          resolve(result)
        },
        (error) => {
          answer()
          const busy = error instanceof ErrorReply && passing.test(error.message)
          const away = busy || !client.isReady
          reject(away ? new RedisAway('Redis is away', { cause: error }) : error)
        },
      )
    })
  }
  async function run<Result>(call: RedisCall<Result>): Promise<Result> {
    const send = () => patiently(() => call.send(client))
    return traceOperation(describe(call), send, call.outcome)
  }
  return {
    run,
    async attempt(call) {
      try {
        return await run(call)
      } catch (error) {
        if (error instanceof RedisAway) return undefined
        throw error
      }
    },
    duplicate() {
      // Longer silence than a blocking read can be: the other side hangs, so connect anew.
      const copy = createConnection(url, 5_000)
      connect(copy)
      return Object.assign(copy, { [Symbol.asyncDispose]: async () => copy.destroy() })
    },
    ping: () => runUntraced(async () => void (await patiently(() => client.ping()))),
    [Symbol.asyncDispose]: async () => client.destroy(),
  }
}

function createConnection(url: string, silenceMs?: number): RedisConnection {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    // Its own limit, an AbortSignal for each command, costs more than the command; ours is shorter.
    commandOptions: { timeout: 0 },
    socket: {
      reconnectStrategy: (tries) => Math.min(50 * 2 ** tries, 1_000),
      connectTimeout: 1_000,
      ...(silenceMs && { socketTimeout: silenceMs }),
    },
  }) as RedisConnection
  // Reconnecting is the strategy's work; without a listener an error would end the process.
  client.on('error', () => {})
  return client
}

function connect(client: RedisConnection): Promise<unknown> {
  return runUntraced(() => client.connect().catch(() => undefined))
}

type Described = Pick<RedisCall<unknown>, 'command' | 'on' | 'batch'>

function describeCommand(address: string, port: number) {
  const known = new Map<string, Operation>()
  return ({ command, on, batch }: Described): Operation => {
    const key = `${command} ${on} ${batch ?? 1}`
    const found = known.get(key)
    if (found) return found
    const operation: Operation = {
      name: `${command} ${on}`,
      attributes: {
        'db.system.name': 'redis',
        'db.operation.name': command,
        'db.query.summary': `${command} ${on}`,
        ...(batch && batch > 1 && { 'db.operation.batch.size': batch }),
        'server.address': address,
        'server.port': port,
      },
    }
    known.set(key, operation)
    return operation
  }
}
