import { host, port, readEnv, url } from '@clew/kit/config'
import { z } from 'zod'

/** What this service reads from the environment. */
export const schema = z.object({
  PROFILE_HOST: host,
  PROFILE_PORT: port.default(3002),
  PROFILE_DATABASE_URL: url,
  PROFILE_REDIS_URL: url,
  AUTH_URL: url,
})

export type Config = ReturnType<typeof readConfig>

/** @throws ConfigError naming every variable at fault */
export function readConfig(env: Record<string, string | undefined>) {
  const values = readEnv(schema, env)
  return Object.freeze({
    host: values.PROFILE_HOST,
    port: values.PROFILE_PORT,
    databaseUrl: values.PROFILE_DATABASE_URL,
    redisUrl: values.PROFILE_REDIS_URL,
    authUrl: values.AUTH_URL,
  })
}
