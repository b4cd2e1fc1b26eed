import { host, port, readEnv, url } from '@clew/kit/config'
import { z } from 'zod'

/** What this service and its worker read from the environment. */
export const schema = z.object({
  MEDIA_HOST: host,
  MEDIA_PORT: port.default(3005),
  MEDIA_WORKER_PORT: port.default(3015),
  MEDIA_DATABASE_URL: url,
  MEDIA_REDIS_URL: url,
  MEDIA_STORAGE: z.enum(['files', 's3']).default('files'),
  /** Where `files` keeps its objects. */
  MEDIA_FOLDER: z.string().min(1).default('.clew/data/media'),
  /** Of `s3` only; the endpoint may stay empty for Amazon's own. */
  MEDIA_S3_ENDPOINT: url.optional(),
  MEDIA_S3_BUCKET: z.string().min(1).optional(),
  MEDIA_S3_REGION: z.string().min(1).default('us-east-1'),
  MEDIA_S3_ACCESS_KEY: z.string().min(1).optional(),
  MEDIA_S3_SECRET_KEY: z.string().min(1).optional(),
  /** Known to the gateway too: whoever shows it may refresh its cache. */
  MEDIA_REFRESH_KEY: z.string().min(1).optional(),
  AUTH_URL: url,
  GATEWAY_URL: url.default('http://127.0.0.1:8080'),
})

const withS3 = schema.required({
  MEDIA_S3_BUCKET: true,
  MEDIA_S3_ACCESS_KEY: true,
  MEDIA_S3_SECRET_KEY: true,
})

export type Config = ReturnType<typeof readConfig>

/** @throws ConfigError naming every variable at fault */
export function readConfig(env: Record<string, string | undefined>) {
  const values = env.MEDIA_STORAGE === 's3' ? readEnv(withS3, env) : readEnv(schema, env)
  return Object.freeze({
    host: values.MEDIA_HOST,
    port: values.MEDIA_PORT,
    workerPort: values.MEDIA_WORKER_PORT,
    databaseUrl: values.MEDIA_DATABASE_URL,
    redisUrl: values.MEDIA_REDIS_URL,
    storage: values.MEDIA_STORAGE,
    folder: values.MEDIA_FOLDER,
    s3: {
      endpoint: values.MEDIA_S3_ENDPOINT,
      bucket: values.MEDIA_S3_BUCKET ?? '',
      region: values.MEDIA_S3_REGION,
      accessKey: values.MEDIA_S3_ACCESS_KEY ?? '',
      secretKey: values.MEDIA_S3_SECRET_KEY ?? '',
    },
    refreshKey: values.MEDIA_REFRESH_KEY ?? '',
    authUrl: values.AUTH_URL,
    gatewayUrl: values.GATEWAY_URL,
  })
}
