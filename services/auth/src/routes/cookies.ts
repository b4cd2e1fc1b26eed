import { accessTokenSeconds } from '@clew/kit/revocations'
import type { CookieOptions, Request, Response } from 'express'
import { sessionSeconds } from '../session.ts'

/**
 * What a browser holds: no script can read these, and no other site's form can send them along.
 * `clew_token` and `clew_refresh` are the tokens; `clew_oauth` binds a visit to a provider.
 */
export type Cookies = {
  read(request: Request): { token?: string; refresh?: string; flow?: string }
  giveTokens(response: Response, token: string, refreshToken: string): void
  clearTokens(response: Response): void
  giveFlow(response: Response, value: string, seconds: number): void
  clearFlow(response: Response): void
}

/** @param secure whether browsers reach us by https alone */
export function createCookies(secure: boolean): Cookies {
  const all: CookieOptions = { httpOnly: true, sameSite: 'lax', secure, path: '/' }
  const lasting = (seconds: number): CookieOptions => ({ ...all, maxAge: seconds * 1_000 })
  return {
    read(request) {
      const found = parse(request.headers.cookie ?? '')
      const named = { token: 'clew_token', refresh: 'clew_refresh', flow: 'clew_oauth' }
      return Object.fromEntries(
        Object.entries(named).flatMap(([name, cookie]) => {
          const value = found.get(cookie)
          return value ? [[name, value]] : []
        }),
      )
    },
    giveTokens(response, token, refreshToken) {
      response.cookie('clew_token', token, lasting(accessTokenSeconds))
      response.cookie('clew_refresh', refreshToken, lasting(sessionSeconds))
    },
    clearTokens(response) {
      response.clearCookie('clew_token', all)
      response.clearCookie('clew_refresh', all)
    },
    giveFlow: (response, value, seconds) => {
      response.cookie('clew_oauth', value, lasting(seconds))
    },
    clearFlow: (response) => {
      response.clearCookie('clew_oauth', all)
    },
  }
}

/** Ours hold characters that need no decoding. */
function parse(header: string): Map<string, string> {
  const pairs = header.split(';').map((pair) => {
    const [name = '', ...value] = pair.split('=')
    return [name.trim(), value.join('=').trim()] as const
  })
  return new Map(pairs)
}
