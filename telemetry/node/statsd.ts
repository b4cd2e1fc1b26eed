import { StatsD } from 'hot-shots'

const flushMs = 250

export type Tags = Record<string, string>
export type Metrics = AsyncDisposable & {
  count(name: string, tags?: Tags, by?: number): void
  /** @param ms how long it took, in milliseconds */
  timing(name: string, ms: number, tags?: Tags): void
}

/**
 * StatsD over UDP to `CLEW_STATSD` (`host:port`), buffered into datagrams of at most 1,432 bytes.
 * Names get the prefix, such as `auth_service.request_duration`. No ids in tags.
 * With nobody listening, nothing is raised and nothing waits.
 */
export function createStatsD(prefix: string): Metrics {
  const [host, port] = (process.env.CLEW_STATSD || '127.0.0.1:8125').split(':')
  const client = new StatsD({
    host: host ?? '127.0.0.1',
    port: Number(port ?? 8125),
    includeDataDogTags: false,
    maxBufferSize: 1432,
    bufferFlushInterval: flushMs,
    errorHandler: () => {},
  }) as StatsD & { send(line: string): void }
  const service = clean(process.env.OTEL_SERVICE_NAME || prefix)
  const counts = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  // Put together here: hot-shots takes several times as long to merge tags.
  function describe(tags: Tags = {}): string {
    let text = `#service:${service}`
    for (const key in tags) text += `,${key}:${clean(tags[key] ?? '')}`
    return text
  }
  function sendCounts() {
    timer = undefined
    for (const [key, sum] of counts) {
      const [name, described] = key.split('|')
      client.send(`${prefix}.${name}:${sum}|c|${described}`)
    }
    counts.clear()
  }
  return {
    // Summed up first: a busy service counts the same thing thousands of times a second.
    count(name, tags, by = 1) {
      const key = `${name}|${describe(tags)}`
      counts.set(key, (counts.get(key) ?? 0) + by)
      timer ??= setTimeout(sendCounts, flushMs).unref()
    },
    timing(name, ms, tags) {
      const rounded = Math.round(ms * 1_000) / 1_000
      client.send(`${prefix}.${name}:${rounded}|ms|${describe(tags)}`)
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      sendCounts()
      await new Promise<void>((resolve) => client.close(() => resolve()))
    },
  }
}

/** Without what has a meaning of its own in a line. */
function clean(value: string): string {
  return value.replace(/[|,:#@\n]/g, '_')
}
