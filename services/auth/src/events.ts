import type { Logger } from '@clew/kit/log'
import { publish } from '@clew/kit/outbox'
import type { Queryable } from '@clew/kit/postgres'
import type { Metrics } from '@clew/telemetry/statsd'
import { trace } from '@opentelemetry/api'
import type { User } from './schemas.ts'

export const stream = 'events:auth'

/** Stated in the transaction that adds the person. */
export function userRegistered(tx: Queryable, user: User, createdAt: Date): Promise<void> {
  return publish(tx, stream, 'user.registered', {
    user_id: user.id,
    username: user.username,
    display_name: user.username,
    created_at: createdAt,
  })
}

/** Stated in the transaction that ends the session; every service refuses its tokens from then on. */
export function sessionRevoked(tx: Queryable, sessionId: string): Promise<void> {
  return publish(tx, stream, 'session.revoked', { session_id: sessionId })
}

export type Events = ReturnType<typeof createEvents>

/** What happened, for those who watch: a counter, a log line, a mark on the span. Ids only. */
export function createEvents(log: Logger, metrics: Metrics) {
  const count = (event: string, provider = 'password') =>
    metrics.count('auth_events', { event, provider })
  const operate = (operation: string, outcome = 'ok') =>
    metrics.count('token_operations', { operation, outcome })

  return {
    registered(userId: string, provider: string) {
      identify(userId)
      count('registered', provider)
      operate('issue')
      log.info({ user: userId, provider }, 'registered')
    },
    loggedIn(userId: string, provider: string) {
      identify(userId)
      count('logged_in', provider)
      operate('issue')
      log.info({ user: userId, provider }, 'logged in')
    },
    loginRefused() {
      count('login_refused')
      refuse('wrong_credentials')
      log.info('login refused')
    },
    loggedOut(userId: string, session: string) {
      identify(userId)
      count('logged_out')
      operate('revoke')
      log.info({ user: userId, session }, 'logged out')
    },
    refreshed(userId: string) {
      identify(userId)
      operate('refresh')
    },
    refreshRefused() {
      operate('refresh', 'refused')
      refuse('unknown_refresh_token')
      log.info('refresh refused')
    },
    refreshReused(session: string) {
      count('refresh_reused')
      operate('refresh', 'reused')
      refuse('reused_refresh_token')
      log.warn({ session }, 'refresh token used twice, session ended')
    },
    tokensChecked(valid: number, refused: number) {
      if (valid > 0) metrics.count('token_operations', { operation: 'check', outcome: 'ok' }, valid)
      const tags = { operation: 'check', outcome: 'refused' }
      if (refused > 0) metrics.count('token_operations', tags, refused)
    },
    /** A bearer was not accepted. `reason` says why; the person is not told. */
    tokenRefused(reason: string) {
      operate('check', 'refused')
      refuse(reason)
      log.info({ reason }, 'token refused')
    },
    limited(limit: string) {
      metrics.count('rate_limit_hits', { limit })
      trace.getActiveSpan()?.setAttribute('clew.limit', limit)
      log.info({ limit }, 'too many tries')
    },
    profileDelayed(userId: string, error: unknown) {
      log.warn({ user: userId, err: error }, 'profile away, to be made from the event')
    },
    leftForProvider(provider: string) {
      metrics.count('oauth_usage', { provider, outcome: 'started' })
    },
    providerFailed(provider: string, reason: string, error?: unknown) {
      metrics.count('oauth_usage', { provider, outcome: reason })
      refuse(reason)
      log.warn({ provider, reason, ...describe(error) }, 'no entry through the provider')
    },
    cameThroughProvider(provider: string) {
      metrics.count('oauth_usage', { provider, outcome: 'entered' })
    },
  }
}

/** Says on the request's span who asks. */
export function identify(userId: string): void {
  trace.getActiveSpan()?.setAttribute('user.id', userId)
}

function refuse(reason: string) {
  trace.getActiveSpan()?.setAttribute('clew.refusal', reason)
}

// Messages of providers may quote a person's e-mail address; name and code do not.
function describe(error: unknown) {
  if (!(error instanceof Error)) return {}
  return { error: error.name, code: (error as { code?: unknown }).code }
}
