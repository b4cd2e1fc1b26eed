import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fillTemplate } from '@clew/launcher/template'
import { findTools } from '@clew/launcher/tools'
import { freePorts } from './ports.ts'

export type Gateway = Awaited<ReturnType<typeof startGateway>>

export const refreshKey = 'the-key-of-these-tests'
const template = new URL('../../../nginx/nginx.conf.template', import.meta.url)

/** A real NGINX with the rendered template, in a folder of its own whose name has a space. */
export async function startGateway(values: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'clew gateway-'))
  const [gateway = 0, health = 0, auth = 0, profile = 0, feed = 0, ...more] = await freePorts(9)
  const [messaging = 0, messaging2 = 0, media = 0, lens = 0] = more
  const ports = { gateway, health, auth, profile, feed, messaging, messaging2, media, lens }
  const paths = {
    log: join(folder, 'access.log'),
    cursor: join(folder, 'cursor.json'),
    run: join(folder, 'run'),
    pidFile: join(folder, 'run', 'nginx.pid'),
  }
  const conf = fillTemplate(await readFile(template, 'utf8'), {
    GATEWAY_PORT: String(gateway),
    GATEWAY_HEALTH_PORT: String(health),
    AUTH_PORT: String(auth),
    PROFILE_PORT: String(profile),
    FEED_PORT: String(feed),
    MESSAGING_PORT: String(messaging),
    MESSAGING_2_PORT: String(messaging2),
    MEDIA_PORT: String(media),
    MEDIA_REFRESH_KEY: refreshKey,
    LENS_OTLP_PORT: String(lens),
    GATEWAY_LOG: paths.log,
    GATEWAY_RUN: paths.run,
    GATEWAY_SAMPLED: '100%',
    CLEW_TELEMETRY: 'lean',
    ...values,
  })
  await mkdir(paths.run)
  await writeFile(join(folder, 'nginx.conf'), conf)
  const { nginx: tool } = await findTools(['nginx'], () => {})
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const nginx = spawn(
    tool!.file,
    ['-e', 'stderr', '-p', paths.run, '-c', join(folder, 'nginx.conf'), '-g', `daemon off;${user}`],
    { env: { ...process.env, ...tool!.env }, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  await Promise.race([untilOpen(gateway), untimelyEnd(nginx)])
  return {
    url: `http://127.0.0.1:${gateway}`,
    ports,
    paths,
    folder,
    /** Requests that NGINX has written to its log. */
    async logged(): Promise<Record<string, string>[]> {
      const text = await readFile(paths.log, 'utf8')
      return text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    },
    end: () => end(nginx, 'SIGQUIT'),
    async [Symbol.asyncDispose]() {
      await end(nginx, 'SIGQUIT')
      await rm(folder, { recursive: true })
    },
  }
}

/** Sends the signal and waits for the process to be gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

async function untimelyEnd(child: ChildProcess): Promise<void> {
  const [code] = await once(child, 'exit')
  throw new Error(`NGINX ended with ${code}`)
}

async function untilOpen(port: number): Promise<void> {
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    const open = await promise
    socket.destroy()
    if (open) return
    await sleep(20)
  }
}
