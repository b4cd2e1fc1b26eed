import { text } from '@clew/kit/validate'
import { z } from 'zod'
import { isCommon } from './common-passwords.ts'

export const email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254)
  .pipe(z.email('must be an e-mail address'))

const username = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_.-]{2,29}$/i,
    'must be 3 to 30 letters, digits, dots, dashes or underscores, and begin with a letter or digit',
  )

// bcrypt reads no further than 72 bytes; a longer password would promise more than it keeps.
const password = text(8, 72)
  .refine((value) => Buffer.byteLength(value) <= 72, 'must be at most 72 bytes')
  .refine((value) => new Set(value).size >= 4, 'must not repeat so few characters')
  .refine((value) => !isCommon(value), 'is among the most common passwords')

/** Any text that may have been a password once: the rules above may change, accounts stay. */
const givenPassword = text(1, 1_000)
const token = z.string().min(1).max(4_096)

export const registration = z
  .strictObject({ email, username, password })
  .refine((it) => it.password.toLowerCase() !== it.username.toLowerCase(), {
    path: ['password'],
    message: 'must not be the username',
  })
  .refine((it) => it.password.toLowerCase() !== it.email, {
    path: ['password'],
    message: 'must not be the e-mail address',
  })
  .meta({ id: 'Registration' })

export const credentials = z
  .strictObject({ email: text(1, 254).trim().toLowerCase(), password: givenPassword })
  .meta({ id: 'Credentials' })

export const refreshing = z
  .strictObject({ refresh_token: token.optional() })
  .meta({ id: 'Refreshing' })
export const oneToken = z.strictObject({ token }).meta({ id: 'Token' })
export const manyTokens = z
  .strictObject({ tokens: z.array(token).min(1).max(100) })
  .meta({ id: 'Tokens' })

export const user = z
  .object({ id: z.uuid(), email: z.string(), username: z.string() })
  .meta({ id: 'User' })

export const entered = z
  .object({ message: z.string(), token: z.string(), refresh_token: z.string(), user })
  .meta({ id: 'Entered' })

export const refreshed = entered.omit({ user: true }).meta({ id: 'Refreshed' })
export const done = z.object({ message: z.string() }).meta({ id: 'Done' })

export const account = user
  .extend({ provider: z.string().describe('password, google, github or oidc') })
  .meta({ id: 'Account' })

export const verdict = z
  .object({ valid: z.boolean(), user: account.optional() })
  .meta({ id: 'Verdict' })

export const verdicts = z
  .object({
    results: z.array(
      z.object({
        token: z.string(),
        valid: z.boolean(),
        userId: z.uuid().optional(),
        reason: z.enum(['expired', 'revoked', 'invalid']).optional(),
      }),
    ),
  })
  .meta({ id: 'Verdicts' })

export const keySet = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('RSA'),
        n: z.string(),
        e: z.string(),
        kid: z.string(),
        alg: z.literal('RS256'),
        use: z.literal('sig'),
      }),
    ),
  })
  .meta({ id: 'KeySet' })

export type User = z.infer<typeof user>
export type Account = z.infer<typeof account>
