import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createBus } from '@clew/kit/bus'
import { openPostgres } from '@clew/kit/postgres'
import { openRedis } from '@clew/kit/redis'
import { eventually } from '@clew/kit/test/eventually'
import { openLink } from '@clew/tests/cuttable-link'
import { startCollector } from '@clew/tests/neighbours'
import { findPort, portOf, startProcess, throughPort } from '@clew/tests/one-service'
import { openTestDatabase, openTestRedis, withUser } from '@clew/tests/service-database'
import { v7 as uuid } from 'uuid'
import type { Status } from '../src/media.ts'
import { openFiles } from '../src/storage/files.ts'

export type Worker = Awaited<ReturnType<typeof startWorker>>
type Upload = { width?: number; height?: number; status?: Status; owner?: string }

/** The worker as a process, over a database, a Redis and a folder of its own. */
export async function startWorker(gateway: string, env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'clew-media-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const database = stack.use(await openTestDatabase('media'))
  const ownRedis = stack.use(await openTestRedis('media'))
  const databaseLink = stack.use(await openLink(portOf(database.url)))
  const collector = stack.use(await startCollector())
  const owner = stack.use(openPostgres(database.ownerUrl))
  const redis = stack.use(await openRedis(ownRedis.url))
  const ofFeed = stack.use(await openRedis(withUser(ownRedis.url, 'feed')))
  const port = await findPort()
  const start = () =>
    startProcess('services/media/src/worker.ts', {
      CLEW_STATSD: '127.0.0.1:9',
      CLEW_REDIS_PATIENCE_MS: '5000',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'media-worker',
      AUTH_URL: 'http://127.0.0.1:9',
      GATEWAY_URL: gateway,
      MEDIA_WORKER_PORT: String(port),
      MEDIA_DATABASE_URL: throughPort(database.url, databaseLink.port),
      MEDIA_REDIS_URL: ownRedis.url,
      MEDIA_FOLDER: folder,
      MEDIA_REFRESH_KEY: 'open sesame',
      ...env,
    })
  let child = start()
  stack.defer(async () => void (await child.stop()))
  const url = `http://127.0.0.1:${port}`
  const ready = () =>
    eventually(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok)
  await ready()
  const storage = await openFiles(folder)

  /** A row as an upload leaves it, without bytes. */
  async function row({ width, height, status = 'processing', owner: by = uuid() }: Upload = {}) {
    const id = uuid()
    await owner.query(
      `insert into media (id, owner_id, status, content_type, bytes, width, height, sha256)
       values ($1, $2, $3, 'image/jpeg', 1000, $4, $5, $6)`,
      [id, by, status, width ?? 640, height ?? 480, createHash('sha256').update(id).digest()],
    )
    return id
  }
  return {
    url,
    owner,
    redis,
    folder,
    storage,
    row,
    database: databaseLink,
    pid: () => child.pid,
    logs: () => child.logs(),
    spans: collector.spans,
    stop: () => child.stop(),
    kill: () => child.kill(),
    async start() {
      child = start()
      await ready()
    },
    async upload(bytes: Buffer, of: Upload = {}): Promise<string> {
      const id = await row(of)
      await storage.put(`${id}/original`, Readable.from([bytes], { objectMode: false }))
      return id
    },
    /** Appends a fact as the service that owns the stream would. Gives the ids of its trace and span. */
    async state(stream: 'events:media' | 'events:feed', type: string, payload: object) {
      const [trace, span] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
      const carrier = { traceparent: `00-${trace}-${span}-01` }
      const bus = createBus(stream === 'events:media' ? redis : ofFeed)
      await bus.append(stream, [{ id: uuid(), type, payload, carrier }])
      return { trace, span }
    },
    async status(id: string): Promise<Status | undefined> {
      const [found] = await owner.query<{ status: Status }>(
        'select status from media where id = $1',
        [id],
      )
      return found?.status
    },
    async objects(): Promise<string[]> {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .sort()
    },
    /** Everything that was stated so far is handled, and acknowledged, but for what is repeated later. */
    async settled(): Promise<void> {
      await eventually(async () => {
        const groups = await Promise.all(
          ['events:media', 'events:feed'].map((stream) =>
            redis.run({ command: 'XINFO', on: stream, send: (c) => c.xInfoGroups(stream) }),
          ),
        )
        const prompt = groups
          .flat()
          .filter(({ name }) => !/^media:cache-(?:soon|later)$/.test(name))
        return prompt.every(({ pending, lag }) => pending === 0 && lag === 0)
      })
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Stands where NGINX does: remembers who asked what, and answers as it is told to. */
export async function startGateway() {
  const asked: { path: string; key: unknown; traceparent: unknown }[] = []
  const state = { status: 404, headers: {} as Record<string, string> }
  const server = createServer((request, response) => {
    const { 'x-clew-refresh': key, traceparent } = request.headers
    asked.push({ path: `${request.method} ${request.url}`, key, traceparent })
    response.writeHead(state.status, state.headers).end(Buffer.alloc(100_000))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    answer(status: number, headers: Record<string, string> = {}) {
      Object.assign(state, { status, headers })
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
