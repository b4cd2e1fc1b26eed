import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Status } from './supervisor.ts'

/** What the socket may ask of a running platform. */
type Controlled = {
  parts(): Status[]
  start(name: string): Promise<void>
  stop(name: string): Promise<void>
  kill(name: string, signal: NodeJS.Signals): boolean
  ports: Record<string, number>
}

export type Control = AsyncDisposable & { path: string }
export type Answer = { status: number; body: unknown }

const longestPath = 100

/** Where a state folder's control socket is: in it, unless the path is longer than a socket's may be. */
export function controlPath(state: string): string {
  const path = join(state, 'run', 'control.sock')
  if (Buffer.byteLength(path) <= longestPath) return path
  return join(
    tmpdir(),
    `clew-${createHash('sha256').update(state).digest('hex').slice(0, 16)}.sock`,
  )
}

/**
 * Serves HTTP over a socket that only its owner may open:
 * `GET /processes`, `POST /processes/{name}/start|stop`, `POST /processes/{name}/kill?signal=SIGKILL`
 * and `POST /stop` for the whole. Start and stop answer when it is done.
 */
export async function serveControl(
  state: string,
  platform: Controlled,
  stopAll: () => void,
): Promise<Control> {
  const path = controlPath(state)
  // The claim on the state folder is ours, so a socket that is there is a dead launcher's.
  await rm(path, { force: true })
  const server = createServer(async (message, response) => {
    const answer = await reply(message, platform, stopAll).catch((error: Error) => ({
      status: 409,
      body: { error: error.message },
    }))
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  const mask = process.umask(0o077)
  server.listen(path, resolve)
  process.umask(mask)
  await promise
  return {
    path,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function reply(
  message: IncomingMessage,
  platform: Controlled,
  stopAll: () => void,
): Promise<Answer> {
  const url = new URL(message.url ?? '/', 'http://control')
  const [, part, name = '', action = ''] = url.pathname.split('/')
  const route = `${message.method} ${part}/${action}`
  const processes = () => ({
    status: 200,
    body: { processes: platform.parts(), ports: platform.ports },
  })
  if (route === 'GET processes/') return processes()
  if (route === 'POST stop/') {
    stopAll()
    return { status: 202, body: {} }
  }
  if (route === 'POST processes/start') await platform.start(name)
  else if (route === 'POST processes/stop') await platform.stop(name)
  else if (route === 'POST processes/kill') {
    platform.kill(name, (url.searchParams.get('signal') ?? 'SIGKILL') as NodeJS.Signals)
  } else return { status: 404, body: { error: `There is no ${url.pathname} here.` } }
  return processes()
}

/** Asks a running launcher. @throws Error with code ENOENT or ECONNREFUSED when none listens */
export async function askControl(path: string, method: string, target: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request({ socketPath: path, method, path: target }, resolve).once('error', reject).end()
  const response = await promise
  return { status: response.statusCode ?? 0, body: JSON.parse(await text(response)) }
}
