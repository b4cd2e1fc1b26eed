import type { Response } from 'express'
import type { Entry } from '../accounts.ts'
import type { Renewal } from '../sessions.ts'

/** What everyone gets who comes in or stays in. Tokens are for nobody's cache. */
export function reply(
  response: Response,
  status: number,
  message: string,
  { token, refreshToken, ...rest }: Renewal | Entry,
) {
  response.set('cache-control', 'no-store')
  response.status(status).json({ message, token, refresh_token: refreshToken, ...rest })
}
