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
  let since = new Set<string>()
  let last = ''
  let reconnects = -1
  let repeats = 0
  let closed = false
  const hear = ({ id }: { id: string }) => {
    if (since.has(id)) twice.push(id)
    since.add(id)
    heard.add(id)
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
    while (last && !closed && (await catchUp(phone, last, hear))) {}
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
async function catchUp(phone: Phone, since: string, hear: (message: { id: string }) => void) {
  const { status, body } = await phone.say('sync', { since })
  if (status !== 200) throw new Error(`not told what was missed: ${status}`)
  body.messages.forEach(hear)
  return body.messages.length >= pageLimit || body.more
}
