import { randomBytes } from 'node:crypto'
import { eventually } from '@clew/kit/test/eventually'
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client'

// Tests read answers as a client would, and state the shape they expect.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Payload = any
/** An event that came, without its `_trace`, and that. */
export type Received = {
  event: string
  payload: Payload
  trace?: { traceparent: string; baggage?: string }
}
export type Phone = AsyncDisposable & {
  socket: Socket
  received: Received[]
  /** The payloads of one event that came, oldest first. */
  all(event: string): Payload[]
  /** Waits for an event, or finds it when it came already. */
  heard(event: string, matches?: (payload: Payload) => boolean): Promise<Received>
  /** Says something in a trace of its own, and gives what was acknowledged. */
  say(event: string, payload: object): Promise<Payload>
  /** As `say`, and gives the id of that trace too. */
  trace(event: string, payload: object): Promise<{ traceId: string; ack: Payload }>
  /** A message to somebody. */
  send(to: { id: string }, body: string, client_id?: string): Promise<Payload>
  /** Loses the network without saying goodbye. */
  cut(): void
  /** Reads nothing more. */
  silence(): void
}
type Options = Partial<ManagerOptions & SocketOptions> & { baggage?: string }

/** Connects. @throws the refusal, with the problem in `data` */
export async function connectPhone(
  url: string,
  token: string | undefined,
  { baggage, ...options }: Options = {},
): Promise<Phone> {
  const context = () => ({ ...newTrace(), ...(baggage && { baggage }) })
  const received: Received[] = []
  const socket = io(url, {
    auth: { ...(token !== undefined && { token }), _trace: context() },
    forceNew: true,
    reconnection: false,
    transports: ['websocket'],
    ...options,
  })
  socket.onAny((event, { _trace, ...payload } = {}) => {
    received.push({ event, payload, ...(_trace && { trace: _trace }) })
  })
  const phone: Phone = {
    socket,
    received,
    all: (event) => received.flatMap((one) => (one.event === event ? [one.payload] : [])),
    heard: (event, matches = () => true) =>
      eventually(() => received.find((one) => one.event === event && matches(one.payload))),
    say: async (event, payload) => (await phone.trace(event, payload)).ack,
    async trace(event, payload) {
      const _trace = context()
      const ack = await socket.timeout(5_000).emitWithAck(event, { ...payload, _trace })
      return { traceId: _trace.traceparent.slice(3, 35), ack }
    },
    send: (to, body, client_id = randomBytes(8).toString('hex')) =>
      phone.say('message:send', { to: to.id, body, client_id }),
    cut: () => wireOf(socket).terminate(),
    silence: () => wireOf(socket)._socket.pause(),
    async [Symbol.asyncDispose]() {
      socket.disconnect()
    },
  }
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(phone))
    socket.once('connect_error', (refusal) => {
      socket.disconnect()
      reject(refusal)
    })
  })
}

type Wire = { terminate(): void; _socket: { pause(): void } }

function wireOf({ io }: Socket): Wire {
  return (io.engine as unknown as { transport: { ws: Wire } }).transport.ws
}

export function newTrace() {
  const hex = (bytes: number) => randomBytes(bytes).toString('hex')
  return { traceparent: `00-${hex(16)}-${hex(8)}-01` }
}
