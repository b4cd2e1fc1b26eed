import { host, port, readEnv, url } from '@clew/kit/config'
import { z } from 'zod'

const count = z.coerce.number().int().min(1)

export const schema = z.object({
  AUTH_PORT: port.default(3001),
  AUTH_HOST: host,
  AUTH_DATABASE_URL: url,
  AUTH_REDIS_URL: url,
  /** The folder of the signing keys; made on first start. */
  AUTH_KEYS: z.string().min(1),
  PROFILE_URL: url,
  /** Where browsers reach Clew; providers send people back there. */
  GATEWAY_URL: url,

  /** Wrong passwords for one account from one address, in 15 minutes. */
  AUTH_RATE_LOGIN_FAILURES: count.default(10),
  /** Logins, and ways out to a provider, from one address, in a minute. */
  AUTH_RATE_LOGIN_ADDRESS: count.default(100),
  /** Registrations from one address, in a minute. */
  AUTH_RATE_REGISTER_ADDRESS: count.default(100),

  AUTH_GOOGLE_CLIENT_ID: z.string().optional(),
  AUTH_GOOGLE_CLIENT_SECRET: z.string().optional(),
  AUTH_GITHUB_CLIENT_ID: z.string().optional(),
  AUTH_GITHUB_CLIENT_SECRET: z.string().optional(),
  /** GitHub itself, or one's own GitHub Enterprise Server. */
  AUTH_GITHUB_URL: url.default('https://github.com'),
  AUTH_GITHUB_API_URL: url.default('https://api.github.com'),
  AUTH_OIDC_ISSUER: url.optional(),
  AUTH_OIDC_CLIENT_ID: z.string().optional(),
  AUTH_OIDC_CLIENT_SECRET: z.string().optional(),
})

export type Config = Readonly<z.infer<typeof schema>>

/** @throws ConfigError */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnv(schema, env)
}
