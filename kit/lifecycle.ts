import { createServer, type RequestListener, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError } from './config.ts'
import { createLogger, type Logger } from './log.ts'

const drainMs = 5_000
const overdueMs = 12_000

type Own = <Resource extends AsyncDisposable | Disposable>(resource: Resource) => Resource
type Start = (tools: { own: Own; log: Logger; stopping: AbortSignal }) => Promise<void>

/**
 * Runs a process: starts it, waits for SIGTERM or SIGINT, and disposes what it owns in reverse order.
 * When `start` throws, everything owned so far is disposed, the reason is logged, and the exit code is 1.
 * The process ends by itself once nothing is left to do, so telemetry can flush on `beforeExit`.
 */
export async function run(name: string, start: Start): Promise<void> {
  const log = createLogger(name)
  const stop = new AbortController()
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
  })
  await using owned = new AsyncDisposableStack()
  try {
    await start({ own: (resource) => owned.use(resource), log, stopping: stop.signal })
    log.info('started')
    await stopped
    log.info('stopping')
  } catch (error) {
    process.exitCode = 1
    if (error instanceof ConfigError) log.error(error.message)
    else log.error({ err: error }, 'could not start')
  }
  stop.abort()
  setTimeout(() => process.exit(process.exitCode ?? 1), overdueMs).unref()
}

/**
 * Listens, and on disposal stops accepting, lets requests in flight finish for at most 5 s, then closes.
 * @throws Error with code EADDRINUSE when the port is taken
 */
export async function listen(
  listener: RequestListener,
  port: number,
  host: string,
): Promise<Server & AsyncDisposable> {
  const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 120_000 }, listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return Object.assign(server, { [Symbol.asyncDispose]: () => drain(server) })
}

async function drain(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  // A keep-alive connection that turns idle during the drain would hold the server open.
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  await Promise.race([closed, sleep(drainMs, undefined, { ref: false })])
  clearInterval(sweep)
  server.closeAllConnections()
}
