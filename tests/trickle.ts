import { setTimeout as sleep } from 'node:timers/promises'
import type { Person } from './person.ts'

export type Trickle = {
  /** Ends the traffic; gives the statuses that came, by what was asked, without repeats. */
  stop(): Promise<{ reads: number[]; logins: number[] }>
}

const pauseMs = 100
const readsPerLogin = 10

/** Somebody who keeps using Clew: reads their own profile ten times a second, and logs in each second. */
export function startTrickle(person: Person): Trickle {
  const reads = new Set<number>()
  const logins = new Set<number>()
  let stopped = false
  async function use() {
    for (let turn = 0; !stopped; turn++) {
      const seen = await person.get(`/api/users/${person.id}`)
      reads.add(seen.status)
      if (turn % readsPerLogin === 0) logins.add((await person.login()).status)
      await sleep(pauseMs)
    }
  }
  const done = use()
  return {
    async stop() {
      stopped = true
      await done
      return { reads: [...reads].sort(), logins: [...logins].sort() }
    },
  }
}
