import { host, port, readEnv, url } from '@clew/kit/config'
import { z } from 'zod'

export const schema = z.object({
  MESSAGING_HOST: host,
  MESSAGING_PORT: port.default(3004),
  MESSAGING_DATABASE_URL: url,
  MESSAGING_REDIS_URL: url,
  /** How long a heartbeat says that somebody is there. One comes each third of it. */
  MESSAGING_PRESENCE_SECONDS: z.coerce.number().positive().default(30),
  AUTH_URL: url,
  /** Where browsers reach Clew: the one site whose pages may open a socket. */
  GATEWAY_URL: url,
  PROFILE_URL: url,
})

export type Config = ReturnType<typeof readConfig>

/** @throws ConfigError naming every variable at fault */
export function readConfig(env: Record<string, string | undefined>) {
  const values = readEnv(schema, env)
  return Object.freeze({
    host: values.MESSAGING_HOST,
    port: values.MESSAGING_PORT,
    databaseUrl: values.MESSAGING_DATABASE_URL,
    redisUrl: values.MESSAGING_REDIS_URL,
    presenceSeconds: values.MESSAGING_PRESENCE_SECONDS,
    authUrl: values.AUTH_URL,
    gatewayOrigin: new URL(values.GATEWAY_URL).origin,
    profileUrl: values.PROFILE_URL,
  })
}
