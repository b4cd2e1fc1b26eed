import { setTimeout as sleep } from 'node:timers/promises'
import { collectGarbage } from './garbage.ts'
import { loadAverage } from './load-average.ts'
import type { Connecting } from './messaging-driver.ts'
import { instances, type MessagingWorld } from './messaging-world.ts'
import { watchMemory } from './processes.ts'
import type { Row } from './row.ts'

const people = 200
const socketsEach = 10
const sockets = people * socketsEach
const settleMs = 10_000

type Memory = { resident: number; collected: number; heap: number }

/**
 * What a socket that does nothing takes, of 2,000 through the gateway: memory of both instances with
 * them and without, in processes that had some before and lost them.
 */
export async function benchSocketMemory(
  _quick: boolean,
  [world]: MessagingWorld[],
): Promise<Row[]> {
  if (!world) return []
  const { platform, users, driver } = world
  await driver.ask('disconnect')
  // What earlier measurements left behind would make room for the sockets of this one.
  for (const part of instances) {
    await platform.stop(part)
    await platform.start(part)
  }
  const connect = (each: number) => {
    const tokens = users.slice(0, people).flatMap(({ token }) => Array<string>(each).fill(token))
    const connecting: Connecting = { origin: platform.urls.gateway, tokens }
    return driver.ask('connect', connecting)
  }
  await connect(1)
  await driver.ask('disconnect')
  const before = await readMemory(world)
  await connect(socketsEach)
  const after = await readMemory(world)
  const row = (name: string, grown: number): Row => ({
    name: `idle socket, ${world.mode}: ${name}`,
    value: (grown * 1_024) / sockets,
    unit: 'KB',
    better: 'lower',
  })
  await driver.ask('disconnect')
  return [
    {
      ...row('memory of both instances, garbage collected', after.collected - before.collected),
      aim: 60,
    },
    row(`with the garbage of ${settleMs / 1_000} s`, after.resident - before.collected),
    row('JavaScript objects', after.heap - before.heap),
    {
      name: `both instances before the ${sockets.toLocaleString('en')} sockets`,
      value: before.collected,
      unit: 'MB',
      better: 'lower',
    },
    loadAverage('sockets'),
  ]
}

/** In MB, of both instances together. */
async function readMemory({ platform }: MessagingWorld): Promise<Memory> {
  await sleep(settleMs)
  const measure = instances.map((part) => watchMemory(platform.pid(part) ?? 0))
  const read = () => measure.reduce((sum, memory) => sum + memory(), 0)
  const resident = read()
  let heap = 0
  for (const part of instances) heap += (await collectGarbage(platform, part)) / 1_024 / 1_024
  // Pages are given back a little later.
  await sleep(settleMs / 2)
  return { resident, collected: read(), heap }
}
