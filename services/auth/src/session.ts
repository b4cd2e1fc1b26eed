import type { User } from './schemas.ts'

/** Someone's stay: begun by a login, kept up by refreshing, ended by a logout or 24 hours of silence. */
export type Session = {
  id: string
  user: User
  roles: string[]
  /** `password`, or the provider they came through. */
  provider: string
  expiresAt: Date
}

export const sessionSeconds = 24 * 3_600
