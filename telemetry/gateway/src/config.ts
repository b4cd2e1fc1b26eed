import { port, readEnv, url } from '@clew/kit/config'
import { z } from 'zod'

export const schema = z.object({
  GATEWAY_LOG: z.string().min(1).default('.clew/logs/gateway-access.log'),
  GATEWAY_CURSOR: z.string().min(1).default('.clew/data/gateway/cursor.json'),
  /** The folder with nginx.pid: NGINX is told to reopen its log after a rotation. */
  GATEWAY_RUN: z.string().min(1).default('.clew/run/nginx'),
  GATEWAY_HEALTH_PORT: port.default(8081),
  /** May read profile's cached pages, and no more. */
  GATEWAY_REDIS_URL: url,
  AUTH_URL: url.default('http://127.0.0.1:3001'),
  PROFILE_URL: url.default('http://127.0.0.1:3002'),
  FEED_URL: url.default('http://127.0.0.1:3003'),
  FEED_WORKER_URL: url.default('http://127.0.0.1:3013'),
  MESSAGING_URL: url.default('http://127.0.0.1:3004'),
  MESSAGING_2_URL: url.default('http://127.0.0.1:3014'),
  MEDIA_URL: url.default('http://127.0.0.1:3005'),
  MEDIA_WORKER_URL: url.default('http://127.0.0.1:3015'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url.default('http://127.0.0.1:4318'),
  CLEW_ENVIRONMENT: z.string().min(1).default('development'),
})

export function readConfig(env: Record<string, string | undefined>) {
  const read = readEnv(schema, env)
  return {
    log: read.GATEWAY_LOG,
    cursor: read.GATEWAY_CURSOR,
    pidFile: `${read.GATEWAY_RUN}/nginx.pid`,
    healthPort: read.GATEWAY_HEALTH_PORT,
    redisUrl: read.GATEWAY_REDIS_URL,
    services: {
      auth: read.AUTH_URL,
      profile: read.PROFILE_URL,
      feed: read.FEED_URL,
      'feed-worker': read.FEED_WORKER_URL,
      'messaging-1': read.MESSAGING_URL,
      'messaging-2': read.MESSAGING_2_URL,
      media: read.MEDIA_URL,
      'media-worker': read.MEDIA_WORKER_URL,
    },
    collector: read.OTEL_EXPORTER_OTLP_ENDPOINT,
    environment: read.CLEW_ENVIRONMENT,
  }
}
