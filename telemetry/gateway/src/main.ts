import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { createKeptTimelines } from '@clew/feed/kept'
import { createBus } from '@clew/kit/bus'
import { openIdentity } from '@clew/kit/identity'
import { listen, run } from '@clew/kit/lifecycle'
import { openRedis } from '@clew/kit/redis'
import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import { readCursor } from './cursor.ts'
import { createExporter } from './exporter.ts'
import { createFollower } from './follower.ts'
import { createPageFinder, createTimelineFinder } from './stale.ts'
import { startTail } from './tail.ts'

await run('gateway-spans', async ({ own, log }) => {
  const config = readConfig(process.env)
  await mkdir(dirname(config.cursor), { recursive: true })
  const follower = own(createFollower(config.log, await readCursor(config.cursor)))
  const { send } = createExporter(config.collector, config.environment, log)
  const paths = { log: config.log, cursor: config.cursor, pidFile: config.pidFile }
  const tail = own(startTail({ follower, send, log, paths }))
  const redis = own(await openRedis(config.redisUrl))
  const identity = own(openIdentity(config.services.auth, createBus(redis)))
  const app = createApp({
    services: config.services,
    stats: tail.stats,
    findPage: createPageFinder(redis),
    findTimeline: createTimelineFinder(identity, createKeptTimelines(redis)),
    log,
  })
  own(await listen(app, config.healthPort, '127.0.0.1'))
})
