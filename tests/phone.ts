import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import type { Answer } from './answer.ts'
import { baggageOfTest } from './baggage.ts'
import { note } from './notes.ts'
import { type Carrier, recordIncoming, recordOutgoing, sendPhoneSpans } from './phone-spans.ts'
import { readPlatform } from './platform.ts'

export type PhoneOptions = {
  /** Straight to this instance of messaging; through the gateway when absent. */
  instance?: 1 | 2
  /** False when nothing that it begins is to be recorded. */
  traced?: boolean
  headers?: Record<string, string>
  transport?: 'websocket' | 'polling'
}

// biome-ignore lint/suspicious/noExplicitAny: tests reach into payloads of every shape
type Payload = Record<string, any>
/** An event that came, without its `_trace`, in whose trace it came. */
export type Received = { event: string; payload: Payload; traceId: string }

type Owner = { readonly id: string; readonly token: string; readonly address: string }

/**
 * A phone of ours: what it says and hears is traced from end to end. Answers are told as those of
 * HTTP are: 200 with what was acknowledged, or the status of a problem with the problem.
 */
export type Phone = AsyncDisposable & {
  readonly socket: Socket
  /** Whatever came, oldest first, over all its connections. */
  readonly received: Received[]
  /** The payloads of one event. */
  all(event: string): Payload[]
  /** Waits for an event, or finds it when it came already. @throws Error after eight seconds */
  heard(event: string, matches?: (payload: Payload) => boolean): Promise<Received>
  connect(): Promise<Answer>
  /** Says something and waits for the acknowledgement. @throws Error when the line breaks first */
  say(event: string, payload: Payload): Promise<Answer>
  /** A message; to a person, or into the conversation of this id. */
  send(to: Owner | string, words?: string, clientId?: string): Promise<Answer>
  /** As when it loses the network: without goodbye. */
  cut(): void
}

const patienceMs = 8_000

export function createPhone(owner: Owner, options: PhoneOptions = {}): Phone {
  const { traced = true, headers, transport = 'websocket' } = options
  const received: Received[] = []
  const record = (event: string) =>
    recordOutgoing(event, { baggage: baggageOfTest(), traced }, { 'user.id': owner.id })
  let connecting: Carrier = {}
  const socket = io(addressOf(options), {
    auth: (give) => give({ token: owner.token, _trace: connecting }),
    autoConnect: false,
    extraHeaders: { 'x-forwarded-for': owner.address, ...headers },
    forceNew: true,
    reconnection: false,
    transports: [transport],
  })
  socket.onAny((event: string, { _trace, ...payload }: Payload) => {
    const traceId = _trace?.traceparent?.slice(3, 35) ?? ''
    received.push({ event, payload, traceId })
    recordIncoming(event, _trace, { 'user.id': owner.id })
  })

  const phone: Phone = {
    socket,
    received,
    all: (event) => received.flatMap((found) => (found.event === event ? found.payload : [])),
    async heard(event, matches = () => true) {
      const deadline = Date.now() + patienceMs
      for (;;) {
        const found = received.find((one) => one.event === event && matches(one.payload))
        if (found) return found
        if (Date.now() > deadline) throw new Error(`${event} did not come`)
        await sleep(10)
      }
    },
    async connect() {
      const span = record('connect')
      connecting = span.carrier
      const { promise, resolve } = Promise.withResolvers<Refusal | undefined>()
      const connected = () => resolve(undefined)
      socket.once('connect', connected).once('connect_error', resolve)
      socket.connect()
      const refusal = await promise
      socket.off('connect', connected).off('connect_error', resolve)
      return answer(span, refusal?.data ? { error: refusal.data } : refusal)
    },
    async say(event, payload) {
      if (!socket.connected) throw new Error('the phone is not connected')
      const span = record(event)
      try {
        const said = { ...payload, _trace: span.carrier }
        return answer(span, await socket.timeout(patienceMs).emitWithAck(event, said))
      } catch (error) {
        span.unanswered(error as Error)
        throw error
      }
    },
    send(to, words = `A message about ${randomUUID()}`, client_id = randomUUID()) {
      note({ secret: words.slice(0, 200) })
      const whom = typeof to === 'string' ? { conversation_id: to } : { to: to.id }
      return phone.say('message:send', { ...whom, body: words, client_id })
    },
    cut: () => transportOf(socket).ws.terminate(),
    async [Symbol.asyncDispose]() {
      socket.disconnect()
      await sendPhoneSpans()
    },
  }
  return phone
}

type Refusal = Error & { data?: Payload }

function answer(
  span: ReturnType<typeof recordOutgoing>,
  said: Payload | Error | undefined,
): Answer {
  if (said instanceof Error) {
    span.unanswered(said)
    return { status: 0, headers: {}, body: said.message, bytes: none, traceId: span.traceId }
  }
  const body = said?.error ?? said
  const status = said?.error ? said.error.status : 200
  span.answered(status)
  return { status, headers: {}, body, bytes: none, traceId: span.traceId }
}

const none = Buffer.alloc(0)

function addressOf({ instance }: PhoneOptions): string {
  const { ports, urls } = readPlatform()
  if (!instance) return urls.gateway
  return `http://127.0.0.1:${instance === 1 ? ports.messaging : ports.messaging2}`
}

/** What lies below a connected WebSocket, which the client does not show. */
function transportOf(socket: Socket): { ws: { terminate(): void } } {
  return socket.io.engine.transport as unknown as { ws: { terminate(): void } }
}
