import { openRedis } from '@clew/kit/redis'
import { openTestRedis } from '@clew/tests/service-database'
import { expect, test } from 'vitest'
import { createConnections, type LiveSocket } from '../src/connections.ts'
import { createPresence } from '../src/presence.ts'

test('a heartbeat reaches everybody, though somebody goes while it is under way', async () => {
  await using database = await openTestRedis('messaging')
  await using redis = await openRedis(database.url)
  const connections = createConnections()
  const presence = createPresence(redis, connections, 30)
  const sockets = Array.from({ length: 1_001 }, (_, at) => socketOf(`person-${at}`))
  for (const socket of sockets) connections.add(socket)
  const renewing = presence.renew()
  // The first batch is on its way to Redis; the second has somebody in it who is gone by then.
  for (const at of [150, 550]) connections.remove(sockets[at] as LiveSocket)
  await renewing
  const people = await presence.read(['person-0', 'person-549', 'person-1000', 'person-550'])
  expect(people.map(({ last_seen }) => last_seen !== null)).toEqual([true, true, true, false])
  await presence.clear()
})

/** As far as presence looks at one. */
function socketOf(userId: string): LiveSocket {
  return { id: `of ${userId}`, data: { userId } } as LiveSocket
}
