import { setTimeout as sleep } from 'node:timers/promises'
import type { Person } from './person.ts'
import { createPhone, type Phone, type PhoneOptions } from './phone.ts'

export type PatientPhone = AsyncDisposable & {
  /** Ids of the messages that were acknowledged, by what `client_id` they were sent with. */
  readonly acknowledged: ReadonlyMap<string, string>
  /** The messages it has, by id: a phone knows what it has, so what comes again is no second one. */
  readonly heard: ReadonlySet<string>
  /** Ids of what came more than once over one connection, live or as something that was missed. */
  readonly twice: readonly string[]
  readonly reconnects: number
  /** How often something had to be said again. */
  readonly repeats: number
  /** Keeps saying it until somebody says that it is stored. */
  tell(conversation: string, words: string, clientId: string): Promise<void>
}

const pauseMs = 100
const pageLimit = 500
// In this time one message may overtake another on its way.
const overlapMs = 5_000
const mostSeen = 256

/**
 * A phone as people hold it: it connects again whenever it is put off, asks for what it missed since
 * the last message it has, and says again what was not acknowledged, under the same `client_id`.
 */
export async function openPatientPhone(
  person: Person,
  options: PhoneOptions,
): Promise<PatientPhone> {
  const phone = createPhone(person, options)
  const acknowledged = new Map<string, string>()
  const heard = new Set<string>()
  const twice: string[] = []
  const recent: { id: string; at: number }[] = []
  let since = new Set<string>()
  let last = ''
  let reconnects = -1
  let repeats = 0
  let closed = false
  const hear = ({ id }: { id: string }) => {
    if (since.has(id)) twice.push(id)
    since.add(id)
    heard.add(id)
    recent.push({ id, at: Date.now() })
    // Ids grow with time inside a conversation.
    if (id > last) last = id
  }
  phone.socket.on('message:new', hear)

  async function connect() {
    while (!closed && !phone.socket.connected) {
      since = new Set()
      if ((await phone.connect()).status === 200) reconnects++
      else await sleep(pauseMs)
    }
    for (let more = last !== ''; more && !closed; ) {
      const newest = recent.at(-1)?.at ?? 0
      const seen = recent.filter(({ at }) => newest - at < overlapMs).map(({ id }) => id)
      more = await catchUp(phone, { since: last, seen: seen.slice(-mostSeen) }, hear)
    }
  }
  let connecting = connect()
  phone.socket.on('disconnect', () => {
    connecting = connecting.then(connect, connect)
  })
  await connecting
  return {
    acknowledged,
    heard,
    twice,
    get reconnects() {
      return reconnects
    },
    get repeats() {
      return repeats
    },
    async tell(conversation, words, clientId) {
      for (;;) {
        await connecting.catch(() => {})
        const answer = await phone.send(conversation, words, clientId).catch(() => undefined)
        if (answer?.status === 200) return void acknowledged.set(clientId, answer.body.id)
        if (answer && answer.status < 500 && answer.status !== 429) {
          throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`)
        }
        repeats++
        await sleep(pauseMs)
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await phone[Symbol.asyncDispose]()
    },
  }
}

/** Whether there is more. */
async function catchUp(phone: Phone, known: object, hear: (message: { id: string }) => void) {
  const { status, body } = await phone.say('sync', known)
  if (status !== 200) throw new Error(`not told what was missed: ${status}`)
  body.messages.forEach(hear)
  return body.messages.length >= pageLimit || body.more
}
