import { host, port, readEnv, url } from '@clew/kit/config'
import { z } from 'zod'

/** What this service and its worker read from the environment. */
export const schema = z.object({
  FEED_HOST: host,
  FEED_PORT: port.default(3003),
  FEED_WORKER_PORT: port.default(3013),
  FEED_DATABASE_URL: url,
  FEED_REDIS_URL: url,
  /** Authors with more followers than this are merged in when timelines are read. */
  FEED_CELEBRITY_FOLLOWERS: z.coerce.number().int().min(1).default(5_000),
  AUTH_URL: url,
  MEDIA_URL: url,
  PROFILE_URL: url,
})

export type Config = ReturnType<typeof readConfig>

/** @throws ConfigError naming every variable at fault */
export function readConfig(env: Record<string, string | undefined>) {
  const values = readEnv(schema, env)
  return Object.freeze({
    host: values.FEED_HOST,
    port: values.FEED_PORT,
    workerPort: values.FEED_WORKER_PORT,
    databaseUrl: values.FEED_DATABASE_URL,
    redisUrl: values.FEED_REDIS_URL,
    celebrityFollowers: values.FEED_CELEBRITY_FOLLOWERS,
    authUrl: values.AUTH_URL,
    mediaUrl: values.MEDIA_URL,
    profileUrl: values.PROFILE_URL,
  })
}
