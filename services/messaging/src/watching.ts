import { Problem } from '@clew/kit/problem'
import type { LiveSocket } from './connections.ts'
import { emitTo } from './emitting.ts'
import type { PersonPresence, Presence } from './presence.ts'

export type Watching = ReturnType<typeof createWatching>

type Watched = { online: boolean; watchers: Set<LiveSocket> }

const mostWatched = 500
const perTrip = 100

/** Which sockets of this instance want to know when somebody comes or goes. */
export function createWatching(presence: Pick<Presence, 'read'>) {
  const watched = new Map<string, Watched>()

  return {
    /**
     * Tells who is there; from then on the socket hears when that changes, until it disconnects.
     * @throws Problem 503 while Redis is away, 422 for more than 500 people in all
     */
    async watch(socket: LiveSocket, userIds: string[]): Promise<PersonPresence[]> {
      requireRoom(socket, userIds)
      const people = await presence.read(userIds)
      if (!socket.connected) return people
      // Others may have been asked for meanwhile.
      requireRoom(socket, userIds)
      socket.data.watching ??= new Set()
      for (const { user_id, online } of people) {
        socket.data.watching.add(user_id)
        const known = watched.get(user_id)
        if (known) known.watchers.add(socket)
        else watched.set(user_id, { online, watchers: new Set([socket]) })
      }
      return people
    },

    unwatch(socket: LiveSocket): void {
      for (const userId of socket.data.watching ?? []) {
        const known = watched.get(userId)
        known?.watchers.delete(socket)
        if (known?.watchers.size === 0) watched.delete(userId)
      }
    },

    /** Notes that somebody came or went, and gives those who want to know. */
    note({ user_id, online }: PersonPresence): LiveSocket[] {
      const known = watched.get(user_id)
      if (!known) return []
      known.online = online
      return [...known.watchers]
    },

    /**
     * Finds out what nobody said: somebody's instance died, or Redis was away meanwhile.
     * @throws Problem 503 while it is
     */
    async compare(): Promise<void> {
      const userIds = [...watched.keys()]
      for (let at = 0; at < userIds.length; at += perTrip) {
        for (const person of await presence.read(userIds.slice(at, at + perTrip))) {
          const known = watched.get(person.user_id)
          if (!known || known.online === person.online) continue
          known.online = person.online
          emitTo([...known.watchers], 'presence', person)
        }
      }
    },
  }
}

function requireRoom({ data }: LiveSocket, userIds: string[]): void {
  if (new Set([...(data.watching ?? []), ...userIds]).size > mostWatched) {
    throw new Problem(422, `One socket watches at most ${mostWatched} people.`)
  }
}
