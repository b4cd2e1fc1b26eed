import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus, Fact } from '@clew/kit/bus'
import type { Logger } from '@clew/kit/log'
import { Problem } from '@clew/kit/problem'
import { traceProcess } from '@clew/telemetry/events'
import { runUntraced } from '@clew/telemetry/untraced'
import { closeSocket } from './closing.ts'
import type { Connections } from './connections.ts'
import type { Delivered } from './delivered.ts'
import { stream } from './events.ts'
import type { Live } from './live.ts'
import type { Messages } from './store/messages.ts'

type Deps = {
  bus: Bus
  messages: Pick<Messages, 'findSent'>
  delivered: Delivered
  live: Pick<Live, 'deliverHere'>
  connections: Pick<Connections, 'all'>
  log: Logger
}
type Sent = { message_id: string; sender_id: string }
type Waiting = { fact: Fact; messageId: string; due: number; tries: number }
export type Net = AsyncDisposable & {
  /** The time, in epoch ms, before which nothing is still to come. */
  clearUntil(): number
}

// As long as the channel may take before a message counts as lost on it.
const patienceMs = 250
const lookMs = 50
const troubleMs = 500
const mostWaiting = 10_000
const mostTries = 5
// How late the fact of a message may come after the message.
const graceMs = 60_000

/**
 * Catches the messages that did not come on the live channel: Redis was away, or the instance that
 * stored them died before it could say so. Their facts were stored with them, so they come.
 */
export function startNet({ bus, messages, delivered, live, connections, log }: Deps): Net {
  let waiting: Waiting[] = []
  let stopped = false
  let working: Promise<void> | undefined
  let current = Date.now()
  const follower = bus.follow({ stream, sinceMs: Date.now(), seen })

  function seen(fact: Fact): void {
    if (fact.type !== 'message.sent') return
    const { message_id: messageId } = fact.payload as Sent
    if (delivered.has(messageId)) return
    if (waiting.length >= mostWaiting) giveUp()
    waiting.push({ fact, messageId, due: Date.now() + patienceMs, tries: 0 })
    working ??= runUntraced(work).finally(() => {
      working = undefined
    })
  }
  /** More than can be caught in time: whoever is here asks for it, and gets it in large portions. */
  function giveUp(): void {
    log.error({ messages: waiting.length }, 'too many messages to catch, everybody has to sync')
    waiting = []
    for (const socket of [...connections.all()]) closeSocket(socket, 'behind')
  }
  async function work(): Promise<void> {
    for (let next = waiting[0]; next && !stopped; next = waiting[0]) {
      if (delivered.has(next.messageId) || (next.due <= Date.now() && (await isDone(next)))) {
        // It is not there any more when all were given up meanwhile.
        if (waiting[0] === next) waiting.shift()
      } else await sleep(next.tries > 0 ? troubleMs : lookMs, undefined, { ref: false })
    }
  }
  /** @returns false when it must be tried again */
  async function isDone(one: Waiting): Promise<boolean> {
    const { fact, messageId: message } = one
    try {
      await catchUp(fact)
      return true
    } catch (error) {
      // An outage ends some time. What is wrong with one message must not stop all others for good.
      if (error instanceof Problem && error.status === 503) one.tries = 1
      else if (++one.tries >= mostTries) {
        log.error({ err: error, message }, 'message not caught')
        return true
      }
      log.warn({ err: error, message }, 'message not caught yet')
      return false
    }
  }
  async function catchUp({ id, type, payload, carrier }: Fact): Promise<void> {
    await traceProcess({ stream, type, id, carrier, relation: 'child' }, async () => {
      const { sender_id, message_id } = payload as Sent
      const found = await messages.findSent(sender_id, message_id)
      if (!found) return log.warn({ message: message_id }, 'message to be delivered is gone')
      const { message, memberIds } = found
      live.deliverHere({
        name: 'message:new',
        to: memberIds,
        payload: message,
        messageId: message.id,
      })
    })
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
