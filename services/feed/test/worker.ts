import { randomBytes } from 'node:crypto'
import { createBus } from '@clew/kit/bus'
import { createLogger } from '@clew/kit/log'
import { createOverdue } from '@clew/kit/overdue'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { eventually } from '@clew/kit/test/eventually'
import { openLink } from '@clew/tests/cuttable-link'
import { startCollector } from '@clew/tests/neighbours'
import { findPort, portOf, startProcess, throughPort } from '@clew/tests/one-service'
import { openTestDatabase, openTestRedis, withUser } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import { createListWriter } from '../src/list-writer.ts'
import { createLists } from '../src/lists.ts'
import { removeKeys } from '../src/posts-writer.ts'

export type Worker = Awaited<ReturnType<typeof startWorker>>
type Options = { profileUrl: string; celebrityFollowers?: number }

/** The worker as a process, over a database and a Redis of its own, with hands on what it works on. */
export async function startWorker({ profileUrl, celebrityFollowers = 5_000 }: Options) {
  const stack = new AsyncDisposableStack()
  const database = stack.use(await openTestDatabase('feed'))
  const ownRedis = stack.use(await openTestRedis('feed'))
  const redisLink = stack.use(await openLink(portOf(ownRedis.url)))
  const collector = stack.use(await startCollector())
  const owner = stack.use(openPostgres(database.ownerUrl))
  const redis = stack.use(await openRedis(ownRedis.url))
  const ofProfile = stack.use(await openRedis(withUser(ownRedis.url, 'profile')))
  const port = await findPort()
  const env = {
    CLEW_STATSD: '127.0.0.1:9',
    CLEW_REDIS_PATIENCE_MS: '5000',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: 'feed-worker',
    AUTH_URL: 'http://127.0.0.1:9',
    MEDIA_URL: 'http://127.0.0.1:9',
    PROFILE_URL: profileUrl,
    FEED_WORKER_PORT: String(port),
    FEED_DATABASE_URL: database.url,
    FEED_REDIS_URL: throughPort(ownRedis.url, redisLink.port),
    FEED_CELEBRITY_FOLLOWERS: String(celebrityFollowers),
  }
  const start = () => startProcess('services/feed/src/worker.ts', env)
  let child = start()
  stack.defer(async () => void (await child.stop()))
  const url = `http://127.0.0.1:${port}`
  const ready = () =>
    eventually(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok)
  await ready()

  /** Appends a fact as the service that owns the stream would. Gives the ids of its trace and span. */
  async function state(stream: 'events:feed' | 'events:profile', type: string, payload: object) {
    const [trace, span] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
    const carrier = { traceparent: `00-${trace}-${span}-01` }
    const bus = createBus(stream === 'events:feed' ? redis : ofProfile)
    await bus.append(stream, [{ id: uuid(), type, payload, carrier }])
    return { trace, span }
  }
  const lists = createLists(redis, createOverdue(redis, createLogger('test'), removeKeys))
  return {
    url,
    owner,
    redis,
    redisLink,
    lists,
    state,
    spans: collector.spans,
    logs: () => child.logs(),
    stop: () => child.stop(),
    async killAndStart() {
      await child.kill()
      child = start()
      await ready()
    },
    async author(username = 'author'): Promise<string> {
      const id = uuid()
      await owner.query('insert into authors (id, username, display_name) values ($1, $2, $2)', [
        id,
        username,
      ])
      return id
    },
    /** A list that is all there is, as a reader would have built it. */
    async build(id: string, ids: string[], celebrities: string[] = []) {
      const token = await lists.claim('timeline', id)
      if (token) await lists.fill('timeline', id, token, ids, true, celebrities)
    },
    /** Its timeline is nowhere from now on. */
    drop: (id: string) => createListWriter(redis).drop('timeline', [id]),
    /** Nothing when there is no list. */
    async timeline(id: string): Promise<string[] | undefined> {
      const slice = await lists.read('timeline', id, { offset: 0, count: 800 })
      return slice?.known ? slice.ids : undefined
    },
    /** Everything that was stated so far is handled, and acknowledged. */
    async settled(): Promise<void> {
      await eventually(async () => {
        const groups = await Promise.all(
          ['events:feed', 'events:profile'].map((stream) =>
            redis.run({ command: 'XINFO', on: stream, send: (c) => c.xInfoGroups(stream) }),
          ),
        )
        return groups.flat().every(({ pending, lag }) => pending === 0 && lag === 0)
      })
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
