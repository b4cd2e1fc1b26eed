import { setTimeout as sleep } from 'node:timers/promises'
import { type Block, measureBlock, middleOf, sumOf } from './blocks.ts'
import { loadAverage } from './load-average.ts'
import type { Connecting, Sends } from './messaging-driver.ts'
import { type Measured, measureSending } from './messaging-load.ts'
import { instances, type MessagingWorld } from './messaging-world.ts'
import { percentile } from './percentile.ts'
import { median, slopeOf } from './ratio.ts'
import type { Row } from './row.ts'

const sizes = [2, 50, 200, 1_000]
/** What one room is too small for, several share: nobody may write more than 20 messages a second. */
const people = 100
const deliveriesPerSecond = 5_000
const fastest = 200

type Room = { size: number; turns: Sends['turns']; amount: number; measured: Measured[] }

/**
 * What a message costs by the size of its room, whose people are spread over both instances, each
 * with one socket. The sizes take turns, there and back. What a thousand sockets take while nothing is
 * said, as heartbeats do, is no part of it.
 */
export async function benchRooms(quick: boolean, worlds: MessagingWorld[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const world of worlds) {
    await connectRest(world)
    const rooms: Room[] = []
    for (const size of sizes) rooms.push(await openRooms(world, size))
    const seconds = quick ? 4 : 8
    const rounds = quick ? 2 : 4
    for (let round = -1; round < rounds; round++) {
      for (const room of round % 2 ? rooms.toReversed() : rooms) {
        await talk(world, room, seconds, `${round}`)
        // The first round is for the compiler.
        if (round < 0) room.measured.length = 0
      }
    }
    const idle = await measureBlock(world.platform, 1, () => sleep(seconds * 1_000))
    rows.push(...describe(world, rooms, idle))
  }
  return rows
}

/** Whoever has no socket yet gets one; phones are numbered as people are. */
async function connectRest({ platform, users, driver }: MessagingWorld): Promise<void> {
  await driver.ask('disconnect')
  const tokens = users.map(({ token }) => token)
  await driver.ask('connect', { origin: platform.urls.gateway, tokens } satisfies Connecting)
}

async function openRooms(world: MessagingWorld, size: number): Promise<Room> {
  const turns: Sends['turns'] = []
  for (let first = 0; first === 0 || first + size <= people; first += size) {
    const members = world.users.slice(first, first + size)
    const conversation_id = await makeGroup(world, members)
    // Some of a large room speak, and all listen.
    const speakers = members.slice(0, people)
    turns.push(...speakers.map((_, at) => ({ from: first + at, target: { conversation_id } })))
  }
  return { size, turns, amount: 0, measured: [] }
}

async function makeGroup(
  { platform }: MessagingWorld,
  [maker, ...others]: MessagingWorld['users'],
): Promise<string> {
  const answer = await fetch(`${platform.urls.gateway}/api/messages/conversations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${maker?.token}` },
    body: JSON.stringify({ members: others.map(({ id }) => id), title: `${others.length + 1}` }),
  })
  if (answer.status !== 201) throw new Error(`a new conversation answered ${answer.status}`)
  return ((await answer.json()) as { id: string }).id
}

async function talk(world: MessagingWorld, room: Room, seconds: number, name: string) {
  const { size, turns } = room
  const recipients = size - 1
  const perSecond = Math.min(fastest, deliveriesPerSecond / recipients)
  const amount = Math.round(perSecond * seconds)
  room.amount = amount
  const seed = `room.${world.mode}.${size}.${name}`
  const sends: Sends = { turns, amount, perSecond, recipients, seed }
  room.measured.push(await measureSending(world, sends))
}

function describe({ mode }: MessagingWorld, rooms: Room[], idle: Block): Row[] {
  const whole = [...instances, 'nginx', 'postgres', 'redis', 'lens']
  const cost = ({ measured, amount }: Room, parts: string[]) => {
    const blocks = measured.map(({ block }) => block)
    return middleOf(blocks, parts) - sumOf(idle, parts) / amount
  }
  const curve = rooms.map((room) => ({ x: room.size - 1, y: cost(room, instances) }))
  const largest = rooms.at(-1) as Room
  const each = (parts: string[]) => cost(largest, parts) / (largest.size - 1)
  const row = (name: string, value: number, unit: string): Row => ({
    name: `${name}, ${mode}`,
    value,
    unit,
    better: 'lower',
  })
  const shown = curve.map(({ x, y }) => `${x + 1}: ${y.toFixed(0)}`).join(', ')
  const [small, big] = [curve.at(-2), curve.at(-1)]
  const more = ((big?.y ?? 0) - (small?.y ?? 0)) / ((big?.x ?? 0) - (small?.x ?? 0))
  const received = largest.measured.flatMap(({ sent }) => [...sent.received])
  return [
    {
      ...row('room of 1,000: both instances of messaging', each(instances), 'us/recipient'),
      ...(mode === 'lean' && { aim: 15 }),
    },
    row('room of 1,000: each recipient beyond 200', more, 'us/recipient'),
    row(`message by size of room (us: ${shown}): slope`, slopeOf(curve), ''),
    ...['nginx', 'redis', 'postgres', 'lens'].map((part) =>
      row(`room of 1,000: ${part}`, each([part]), 'us/recipient'),
    ),
    row('room of 1,000: all processes', each(whole), 'us/recipient'),
    row('room of 1,000: message to receive, p50', percentile(received, 0.5), 'ms'),
    row('room of 1,000: message to receive, p99', percentile(received, 0.99), 'ms'),
    row('a thousand idle sockets: both instances', sumOf(idle, instances) / 1_000, 'ms/block'),
    row(
      'room of 1,000: spans',
      median(largest.measured.map(({ block }) => block.spans)),
      'a message',
    ),
    loadAverage(`rooms, ${mode}`),
  ]
}
