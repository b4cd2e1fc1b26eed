import { setTimeout as sleep } from 'node:timers/promises'
import type { Person } from './person.ts'

export type Trickle = {
  /** Resolves when another login, begun after this call, has been answered. */
  again(): Promise<void>
  /** Ends the traffic; gives the statuses that came, by what was asked, without repeats. */
  stop(): Promise<{ reads: number[]; logins: number[] }>
}

const pauseMs = 100
const readsPerLogin = 8

/** Somebody who keeps using Clew: reads their own profile ten times a second, and logs in about each second. */
export function startTrickle(person: Person): Trickle {
  const reads = new Set<number>()
  const logins = new Set<number>()
  let stopped = false
  let waiting: (() => void)[] = []
  async function use() {
    for (let turn = 0; !stopped; turn++) {
      const seen = await person.get(`/api/users/${person.id}`)
      reads.add(seen.status)
      if (turn % readsPerLogin === 0) await login()
      await sleep(pauseMs)
    }
  }
  async function login() {
    const waited = waiting
    waiting = []
    logins.add((await person.login()).status)
    for (const resolve of waited) resolve()
  }
  const done = use()
  return {
    again() {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      return promise
    },
    async stop() {
      stopped = true
      await done
      return { reads: [...reads].sort(), logins: [...logins].sort() }
    },
  }
}
