import { host, port, readEnv } from '@clew/kit/config'
import { z } from 'zod'

export const schema = z.object({
  LENS_HOST: host,
  LENS_OTLP_PORT: port.default(4318),
  LENS_QUERY_PORT: port.default(16686),
  LENS_STATSD_PORT: port.default(8125),
  LENS_METRICS_PORT: port.default(9102),
  LENS_DATA: z.string().min(1).default('.clew/data/lens'),
  /** Whole traces are evicted beyond either of these. */
  LENS_MAX_MEGABYTES: z.coerce.number().int().min(1).default(2_048),
  LENS_MAX_TRACES: z.coerce.number().int().min(1).default(200_000),
})

export function readConfig(env: Record<string, string | undefined>) {
  const read = readEnv(schema, env)
  return {
    host: read.LENS_HOST,
    otlpPort: read.LENS_OTLP_PORT,
    queryPort: read.LENS_QUERY_PORT,
    statsdPort: read.LENS_STATSD_PORT,
    metricsPort: read.LENS_METRICS_PORT,
    folder: read.LENS_DATA,
    limits: { bytes: read.LENS_MAX_MEGABYTES * 1_048_576, traces: read.LENS_MAX_TRACES },
  }
}
