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
  /** Wrong passwords for one account from all addresses together, in 15 minutes. */
  AUTH_RATE_LOGIN_EVERYWHERE: count.default(100),
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

export type Config = ReturnType<typeof readConfig>

/** @throws ConfigError naming every variable at fault */
export function readConfig(env: Record<string, string | undefined>) {
  const values = readEnv(schema, env)
  return Object.freeze({
    host: values.AUTH_HOST,
    port: values.AUTH_PORT,
    databaseUrl: values.AUTH_DATABASE_URL,
    redisUrl: values.AUTH_REDIS_URL,
    keys: values.AUTH_KEYS,
    profileUrl: values.PROFILE_URL,
    gatewayUrl: values.GATEWAY_URL,
    rates: {
      loginFailures: values.AUTH_RATE_LOGIN_FAILURES,
      loginEverywhere: values.AUTH_RATE_LOGIN_EVERYWHERE,
      loginAddress: values.AUTH_RATE_LOGIN_ADDRESS,
      registerAddress: values.AUTH_RATE_REGISTER_ADDRESS,
    },
    google: {
      clientId: values.AUTH_GOOGLE_CLIENT_ID,
      clientSecret: values.AUTH_GOOGLE_CLIENT_SECRET,
    },
    github: {
      clientId: values.AUTH_GITHUB_CLIENT_ID,
      clientSecret: values.AUTH_GITHUB_CLIENT_SECRET,
      url: values.AUTH_GITHUB_URL,
      apiUrl: values.AUTH_GITHUB_API_URL,
    },
    oidc: {
      issuer: values.AUTH_OIDC_ISSUER,
      clientId: values.AUTH_OIDC_CLIENT_ID,
      clientSecret: values.AUTH_OIDC_CLIENT_SECRET,
    },
  })
}
