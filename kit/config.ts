import { z } from 'zod'

/** Fragments shared by every service's schema. Units are in the names. */
export const port = z.coerce.number().int().min(1).max(65535)
export const url = z.url()
export const host = z.string().min(1).default('127.0.0.1')

/** The environment does not fit the schema. `message` names every variable at fault, one a line. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the variables a schema names, once, and freezes them.
 * An empty string counts as absent, as in most shells' `.env` files.
 * @throws ConfigError naming every missing or malformed variable at once; values are never shown
 */
export function readEnv<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Record<string, string | undefined>,
): Readonly<z.infer<z.ZodObject<Shape>>> {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const result = schema.safeParse(present)
  if (result.success) return Object.freeze(result.data)
  const faults = result.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`)
  throw new ConfigError(`The environment is incomplete:\n${faults.join('\n')}`)
}
