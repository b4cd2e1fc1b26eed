import type { Logger } from '@clew/kit/log'
import { Problem, problemBody, toProblem } from '@clew/kit/problem'
import { recordException } from '@clew/telemetry/error'
import { traceSocketEvent } from '@clew/telemetry/socket'
import type { Span } from '@opentelemetry/api'
import { type Connected, newlyConnected } from './connected.ts'
import type { LiveSocket } from './connections.ts'
import type { Events } from './events.ts'
import type { Handshake } from './handshake.ts'
import type { Live } from './live.ts'
import type { Presence } from './presence.ts'

type Deps = {
  handshake: Handshake
  presence: Pick<Presence, 'enter' | 'leave'>
  live: Live
  events: Pick<Events, 'connected' | 'tokenRefused'>
  log: Logger
}
export type Joining = ReturnType<typeof createJoining>

/** What happens when a socket comes, and when it has gone. */
export function createJoining({ handshake, presence, live, events, log }: Deps) {
  const joined = new WeakSet<object>()
  let stopped = false

  /** @throws Error as Socket.IO sends it to the client: its `data` is a problem */
  async function join(socket: LiveSocket): Promise<void> {
    // Nothing more is told to it, and no span: it could ask as fast as it likes.
    if (joined.has(socket.conn)) {
      socket.conn.close()
      throw new Error('this connection has been used before')
    }
    joined.add(socket.conn)
    const { token, _trace: carrier } = (socket.handshake.auth ?? {}) as Record<string, unknown>
    // What it connected with is kept for as long as the socket, but is of no more use.
    Object.assign(socket.handshake, { auth: {}, headers: {}, query: {} })
    const refused = await traceSocketEvent({ name: 'connect', carrier }, async (span) => {
      try {
        if (stopped) throw new Problem(503, 'This instance stops. Connect again.')
        socket.data = await enter(socket, token, span)
        events.connected('joined')
        return undefined
      } catch (thrown) {
        return refuse(toProblem(thrown), span)
      }
    })
    if (refused) throw refused
  }

  async function enter(socket: LiveSocket, token: unknown, span: Span): Promise<Connected> {
    const { userId, sessionId, expiresAt } = await handshake(token)
    span.setAttribute('user.id', userId)
    const isNew = await presence.enter(userId, socket.id)
    if (isNew) await announce(userId, true)
    // It has gone meanwhile, and nobody else would take it out again.
    if (socket.conn.readyState !== 'open' && (await presence.leave(userId, socket.id))) {
      await announce(userId, false)
    }
    return newlyConnected({ userId, sessionId, expiresAt, span: span.spanContext() })
  }

  function refuse(problem: Problem, span: Span): Error {
    const cause = problem.cause ?? problem
    events.connected(problem.status)
    span.setAttribute('clew.problem.status', problem.status)
    if (problem.status >= 500) {
      recordException(cause)
      log.error({ err: cause, status: problem.status }, 'connection failed')
    } else if (typeof cause === 'string') events.tokenRefused(cause)
    return Object.assign(new Error(problem.message), { data: problemBody(problem) })
  }

  async function leave({ id, data }: LiveSocket): Promise<void> {
    const { userId, span } = data
    await traceSocketEvent({ name: 'disconnect', userId, link: span }, async () => {
      if (await presence.leave(userId, id)) await announce(userId, false)
    })
  }

  async function announce(userId: string, online: boolean): Promise<void> {
    const payload = { user_id: userId, online, last_seen: new Date().toISOString() }
    await live.deliver({ name: 'presence', to: [], payload })
  }

  return {
    join,
    leave,
    /** From now on nobody joins. */
    stop() {
      stopped = true
    },
  }
}
