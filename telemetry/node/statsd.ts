import { StatsD } from 'hot-shots'

export type Tags = Record<string, string>
export type Metrics = AsyncDisposable & {
  count(name: string, tags?: Tags, by?: number): void
  gauge(name: string, value: number, tags?: Tags): void
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
    prefix: `${prefix}.`,
    globalTags: { service: process.env.OTEL_SERVICE_NAME || prefix },
    includeDataDogTags: false,
    maxBufferSize: 1432,
    bufferFlushInterval: 250,
    errorHandler: () => {},
  })
  return {
    count: (name, tags, by = 1) => client.increment(name, by, tags),
    gauge: (name, value, tags) => client.gauge(name, value, tags),
    timing: (name, ms, tags) => client.timing(name, ms, tags),
    [Symbol.asyncDispose]: () => new Promise((resolve) => client.close(() => resolve())),
  }
}
