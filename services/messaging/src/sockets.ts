import type { Server as HttpServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@clew/kit/log'
import { runUntraced } from '@clew/telemetry/untraced'
import { type DefaultEventsMap, Server } from 'socket.io'
import { closeSocket } from './closing.ts'
import type { Connected } from './connected.ts'
import type { Connections, LiveSocket } from './connections.ts'
import type { Delivered } from './delivered.ts'
import type { Dispatch } from './dispatch.ts'
import type { Events } from './events.ts'
import type { Joining } from './joining.ts'
import { createOriginCheck } from './origin.ts'
import type { Presence } from './presence.ts'
import { textParser } from './text-parser.ts'
import type { Watching } from './watching.ts'

export type Deps = {
  /** The one site whose pages may connect. */
  allowedOrigin: string
  joining: Joining
  presence: Pick<Presence, 'clear'>
  watching: Pick<Watching, 'unwatch'>
  connections: Connections
  delivered: Delivered
  events: Pick<Events, 'disconnected'>
  dispatch: Dispatch
  log: Logger
}

const mostBytes = 16 * 1024
const joinMs = 10_000
const farewellMs = 1_000

/** Socket.IO on an HTTP server. On disposal events under way are answered, then everybody is sent on. */
export function attachSockets(server: HttpServer, deps: Deps): AsyncDisposable {
  const { joining, presence, watching, connections, delivered, dispatch, events, log } = deps
  const mayConnect = createOriginCheck(deps.allowedOrigin)
  let closing = false
  let stopping = false
  const io = new Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Connected>(server, {
    serveClient: false,
    transports: ['websocket', 'polling'],
    maxHttpBufferSize: mostBytes,
    perMessageDeflate: false,
    httpCompression: false,
    connectTimeout: joinMs,
    parser: textParser,
    allowRequest: (request, allow) => {
      // On a connection that was open before: whoever sees it break takes the other instance.
      if (closing) request.socket.destroy()
      else mayConnect(request, allow)
    },
  })
  // The request of a handshake is not needed again, and takes as much memory as all the rest.
  io.engine.on('connection', (connection: { request: unknown }) => {
    connection.request = null
  })
  io.use((socket, next) => {
    const refuse = (refusal: Error) => {
      next(refusal)
      // Once it has been told. It would stay for as long as it likes, and nobody would look after it.
      setImmediate(() => socket.conn.close())
    }
    joining.join(socket).then(() => next(), refuse)
  })
  io.on('connection', (socket) => {
    socket.data.turn = delivered.turn()
    connections.add(socket)
    socket.onAny(onEvent)
    socket.on('disconnect', onDisconnect)
  })

  // Shared by all sockets, which they are called on: a closure for each would be memory for each.
  function onEvent(this: LiveSocket, name: string, ...args: unknown[]): void {
    dispatch.event(this, name, args)
  }
  function onDisconnect(this: LiveSocket, reason: string): void {
    events.disconnected(this.data.closed ?? reason)
    connections.remove(this)
    watching.unwatch(this)
    // Who only takes leave of Socket.IO could stay, without a token that ends.
    this.conn.close()
    if (stopping) return
    joining.leave(this).catch((error) => log.error({ err: error }, 'disconnect failed'))
  }

  return {
    async [Symbol.asyncDispose]() {
      // Nobody else comes: the gateway would bring those who are sent away back to here, where fewest are.
      closing = true
      server.close()
      joining.stop()
      await dispatch.stop()
      stopping = true
      await runUntraced(presence.clear).catch((error) => log.warn({ err: error }, 'presence stays'))
      for (const socket of [...connections.all()]) closeSocket(socket, 'stopping')
      const end = performance.now() + farewellMs
      while (io.engine.clientsCount > 0 && performance.now() < end) await sleep(20)
      // Whoever does not say goodbye would hold the process for half a minute.
      const { clients } = io.engine as unknown as { clients: Record<string, Wire> }
      for (const { transport } of Object.values(clients)) transport.socket?.terminate()
      io.engine.close()
    },
  }
}

type Wire = { transport: { socket?: { terminate(): void } } }
