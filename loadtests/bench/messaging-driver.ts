import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { serveDriver } from './driver.ts'
import { connectionsTo } from './instances.ts'
import { keepPace, planArrivals } from './pace.ts'

/** Ports of the two instances: with them each phone is connected by itself, and told where it is. */
export type Connecting = { origin: string; tokens: string[]; ports?: [number, number] }
/** Instance 0 or 1 of each phone; empty unless ports were given. */
export type Connected = { instances: number[] }
export type Sends = {
  /** In turn: which phone sends, and where to. */
  turns: { from: number; target: { to: string } | { conversation_id: string } }[]
  amount: number
  perSecond: number
  /** How many sockets each message has to reach. */
  recipients: number
  seed: string
}
/**
 * Milliseconds. The first two count from when the message was due, not from when it was sent; what
 * was refused, or did not come, took for ever.
 */
export type Sent = {
  received: Float64Array
  acknowledged: Float64Array
  late: Float64Array
  /** What was said to those that were refused. */
  refusals: string[]
}

const atOnce = 16
const quietMs = 5_000
const body = 'Are you coming tonight? We are eight now, and somebody should bring a long table.'

const phones: Socket[] = []
/** When each message that is under way was due, by its client id. */
const dues = new Map<string, number>()
const received: number[] = []
let broken = ''

serveDriver({ connect, send, disconnect })

/** Adds phones; they are numbered in the order of all tokens so far. */
async function connect({ origin, tokens, ports }: Connecting): Promise<Connected> {
  const instances: number[] = []
  const rest = tokens.entries()
  const first = phones.length
  const work = async () => {
    for (const [place, token] of rest) {
      const before = ports?.map(connectionsTo)
      phones[first + place] = await openPhone(origin, token)
      if (ports)
        instances[place] = ports.findIndex((port, at) => connectionsTo(port) > (before?.[at] ?? 0))
    }
  }
  await Promise.all(Array.from({ length: ports ? 1 : atOnce }, work))
  return { instances }
}

function openPhone(origin: string, token: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = io(origin, {
    auth: { token },
    forceNew: true,
    reconnection: false,
    transports: ['websocket'],
  })
  socket.once('connect', () => resolve(socket))
  socket.once('connect_error', reject)
  socket.on('message:new', ({ client_id }: { client_id: string }) => {
    const due = dues.get(client_id)
    if (due !== undefined) received.push(performance.now() - due)
  })
  socket.on('closing', ({ reason }: { reason: string }) => {
    broken ||= `a socket was closed: ${reason}`
  })
  socket.on('disconnect', (reason) => {
    if (reason !== 'io client disconnect') broken ||= `a socket was lost: ${reason}`
  })
  return promise
}

/** @throws Error when a socket broke: the run is void */
async function send({ turns, amount, perSecond, recipients, seed }: Sends): Promise<Sent> {
  dues.clear()
  received.length = 0
  const acknowledged: number[] = []
  const refusals: string[] = []
  const say = (place: number, due: number) => {
    const { from, target } = turns[place % turns.length]!
    const client_id = `${seed}.${place}`
    dues.set(client_id, due)
    phones[from]?.emit('message:send', { ...target, body, client_id }, (answer: Answer) => {
      if (answer.error) refusals.push(JSON.stringify(answer.error))
      else acknowledged.push(performance.now() - due)
    })
  }
  const late = await keepPace(planArrivals(amount, perSecond, seed), say)
  const missing = () =>
    (amount - refusals.length) * (recipients + 1) - acknowledged.length - received.length
  await untilThere(missing)
  return {
    received: filled(received, amount * recipients),
    acknowledged: filled(acknowledged, amount),
    late,
    refusals,
  }
}

type Answer = { error?: object }

/** Waits until nothing is missing, or nothing more comes. */
async function untilThere(missing: () => number): Promise<void> {
  let last = -1
  let since = performance.now()
  while (missing() > 0 && !broken) {
    if (missing() !== last) [last, since] = [missing(), performance.now()]
    if (performance.now() - since > quietMs) break
    await sleep(20)
  }
  if (broken) throw new Error(`${broken}: the run is void`)
}

function filled(times: number[], length: number): Float64Array {
  const all = new Float64Array(length).fill(Number.POSITIVE_INFINITY)
  all.set(times)
  return all
}

async function disconnect(): Promise<void> {
  for (const phone of phones) phone.disconnect()
  phones.length = 0
}
