import type { DefaultEventsMap, Socket } from 'socket.io'
import { closeSocket, isSlow } from './closing.ts'
import type { Connected } from './connected.ts'

export type LiveSocket = Socket<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, Connected>
export type Connections = ReturnType<typeof createConnections>

const none: ReadonlySet<LiveSocket> = new Set()

/** The sockets of this instance, by whose they are. */
export function createConnections() {
  const people = new Map<string, Set<LiveSocket>>()

  function remove(socket: LiveSocket): void {
    const { userId } = socket.data
    const sockets = people.get(userId)
    if (sockets?.delete(socket) && sockets.size === 0) people.delete(userId)
  }

  return {
    add(socket: LiveSocket): void {
      const { userId } = socket.data
      const sockets = people.get(userId)
      if (sockets) sockets.add(socket)
      else people.set(userId, new Set([socket]))
    },
    remove,
    of: (userId: string): ReadonlySet<LiveSocket> => people.get(userId) ?? none,
    /** Everybody with a socket here, with all their sockets. */
    entries: () => people.entries(),
    *all(): Generator<LiveSocket> {
      for (const sockets of people.values()) yield* sockets
    },

    /**
     * The sockets that an event for these people goes to. On the way, whoever does not read what
     * was sent before is dropped: what waits for them is memory of ours.
     */
    reach(userIds: Iterable<string>, except?: string): LiveSocket[] {
      const reached: LiveSocket[] = []
      for (const id of userIds) {
        for (const socket of people.get(id) ?? none) {
          if (socket.id === except) continue
          if (isSlow(socket)) drop(socket)
          else reached.push(socket)
        }
      }
      return reached
    },
    drop,
  }

  function drop(socket: LiveSocket): void {
    remove(socket)
    closeSocket(socket, 'too_slow')
  }
}
