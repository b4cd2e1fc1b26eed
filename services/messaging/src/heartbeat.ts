import type { Logger } from '@clew/kit/log'
import { Problem } from '@clew/kit/problem'
import { runUntraced } from '@clew/telemetry/untraced'
import type { Presence } from './presence.ts'
import type { Watching } from './watching.ts'

/** One beat for all sockets of this instance, each `everyMs`. It leaves no spans. */
export function startHeartbeat(
  presence: Pick<Presence, 'renew'>,
  watching: Pick<Watching, 'compare'>,
  everyMs: number,
  log: Logger,
): AsyncDisposable {
  let beating: Promise<void> | undefined
  async function beat(): Promise<void> {
    try {
      await presence.renew()
      await watching.compare()
    } catch (error) {
      // Redis is away: the next beat makes up for this one.
      if (!(error instanceof Problem)) log.error({ err: error }, 'heartbeat failed')
    } finally {
      beating = undefined
    }
  }
  const timer = runUntraced(() => setInterval(() => (beating ??= beat()), everyMs).unref())
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await beating
    },
  }
}
