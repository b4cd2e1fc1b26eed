import type { Revocations } from '@clew/kit/identity'
import { runUntraced } from '@clew/telemetry/untraced'
import { closeSocket, isSlow } from './closing.ts'
import type { Connections } from './connections.ts'

const lookMs = 500

/**
 * Disconnects sockets whose token has expired, whose session has ended, or who do not read. Nobody
 * asks a connected socket for its token again, so one timer looks after all.
 */
export function startSessionWatch(
  connections: Connections,
  revocations: Pick<Revocations, 'has'>,
): Disposable {
  function look(): void {
    const now = Date.now() / 1_000
    for (const socket of connections.all()) {
      const { expiresAt, sessionId } = socket.data
      if (expiresAt <= now) closeSocket(socket, 'expired')
      else if (revocations.has(sessionId)) closeSocket(socket, 'revoked')
      else if (isSlow(socket)) connections.drop(socket)
    }
  }
  const timer = runUntraced(() => setInterval(look, lookMs).unref())
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
