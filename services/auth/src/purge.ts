import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@clew/kit/log'
import type { Postgres } from '@clew/kit/postgres'
import { runUntraced } from '@clew/telemetry/untraced'
import { dropEndedSessions } from './store/sessions.ts'

const everyMs = 3_600_000

/** Clears away, once an hour, sessions that ended over a day ago. Leaves no spans. */
export function startPurge(postgres: Postgres, log: Logger): AsyncDisposable {
  const stop = new AbortController()
  const purging = runUntraced(purge)

  async function purge() {
    while (!stop.signal.aborted) {
      await dropEndedSessions(postgres).catch((error) =>
        log.warn({ err: error }, 'ended sessions not cleared away'),
      )
      await sleep(everyMs, undefined, { signal: stop.signal, ref: false }).catch(() => {})
    }
  }
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await purging
    },
  }
}
