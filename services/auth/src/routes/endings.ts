import type { Response, Router } from 'express'
import type { AppDeps } from '../app.ts'

/** Why somebody did not come in, in words. */
export const reasons = new Map([
  ['state', 'this was not begun in this browser, or too long ago'],
  ['denied', 'you changed your mind'],
  ['email', 'the provider told no e-mail address that it has verified'],
  ['taken', 'an account with this e-mail address exists already'],
  ['provider', 'the provider gave an answer that did not fit'],
  ['unavailable', 'the provider or Clew itself cannot be reached right now; try again in a moment'],
])

/** Where the way through a provider ends, for people who come without a frontend: one line of text. */
export function endingRoutes(router: Router, { cookies }: AppDeps) {
  router.get('/auth/callback', (request, response) => {
    const { token } = cookies.read(request)
    say(response, token ? 'You are logged in.' : 'You are not logged in.')
  })

  router.get('/auth/error', (request, response) => {
    const reason = reasons.get(String(request.query.reason))
    say(response, reason ? `You are not logged in: ${reason}.` : 'You are not logged in.')
  })
}

function say(response: Response, line: string) {
  response.set('cache-control', 'no-store').type('text/plain').send(`${line}\n`)
}
