import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus, Fact } from '@clew/kit/bus'
import type { Logger } from '@clew/kit/log'
import { traceProcess } from '@clew/telemetry/events'
import { runUntraced } from '@clew/telemetry/untraced'
import type { Delivered } from './delivered.ts'
import { stream } from './events.ts'
import type { Live } from './live.ts'
import type { Messages } from './store/messages.ts'

type Deps = {
  bus: Bus
  messages: Pick<Messages, 'find'>
  delivered: Delivered
  live: Pick<Live, 'deliverHere'>
  log: Logger
}
type Waiting = { fact: Fact; due: number }
type Sent = { message_id: string; sender_id: string }
export type Net = AsyncDisposable & {
  /** The time, in epoch ms, before which nothing is still to come. */
  clearUntil(): number
}

// As long as the channel may take before a message counts as lost on it.
const patienceMs = 250
const lookMs = 50
const troubleMs = 500
// Those who were not told by then find out when they connect again, by `sync`.
const mostWaiting = 10_000
// How late the fact of a message may come after the message.
const graceMs = 60_000

/**
 * Catches the messages that did not come on the live channel: Redis was away, or the instance that
 * stored them died before it could say so. Their facts were stored with them, so they come.
 */
export function startNet({ bus, messages, delivered, live, log }: Deps): Net {
  const waiting: Waiting[] = []
  let stopped = false
  let working: Promise<void> | undefined
  let current = Date.now()
  const follower = bus.follow({ stream, sinceMs: Date.now(), seen })

  function seen(fact: Fact): void {
    if (fact.type !== 'message.sent' || delivered.has((fact.payload as Sent).message_id)) return
    if (waiting.length >= mostWaiting) waiting.shift()
    waiting.push({ fact, due: Date.now() + patienceMs })
    working ??= runUntraced(work).finally(() => {
      working = undefined
    })
  }
  async function work(): Promise<void> {
    for (let next = waiting[0]; next && !stopped; next = waiting[0]) {
      if (delivered.has((next.fact.payload as Sent).message_id)) waiting.shift()
      else if (next.due > Date.now()) await sleep(lookMs, undefined, { ref: false })
      else if (await catchUp(next.fact)) waiting.splice(waiting.indexOf(next), 1)
      else await sleep(troubleMs, undefined, { ref: false })
    }
  }
  /** @returns false when it must be tried again */
  async function catchUp({ id, type, payload, carrier }: Fact): Promise<boolean> {
    try {
      await traceProcess({ stream, type, id, carrier, relation: 'child' }, async () => {
        const { sender_id, message_id } = payload as Sent
        const found = await messages.find(sender_id, message_id)
        if (!found) return
        const { message, memberIds } = found
        live.deliverHere({
          name: 'message:new',
          to: memberIds,
          payload: message,
          messageId: message.id,
        })
      })
      return true
    } catch (error) {
      log.warn({ err: error }, 'message not caught yet')
      return false
    }
  }
  return {
    clearUntil() {
      if (follower.current() && waiting.length === 0) current = Date.now()
      return current - graceMs
    },
    async [Symbol.asyncDispose]() {
      stopped = true
      await follower[Symbol.asyncDispose]()
      await working
    },
  }
}
