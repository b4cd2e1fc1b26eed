import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Platform } from '@clew/launcher/platform'
import { answersTcp } from '@clew/launcher/readiness'
import { findTools } from '@clew/launcher/tools'
import type { Block } from './blocks.ts'
import { type Asking, type Got, sendAll } from './feed-load.ts'
import { cpuMicrosOf } from './processes.ts'

export const controlParts = ['control', 'control nginx']

export type Control = AsyncDisposable & {
  origin: string
  /** Sends requests and tells what each took, of the control's parts and of the platform's Redis. */
  measure(amount: number, next: (place: number) => Asking): Promise<Block & { got: Got }>
}

/**
 * The control server over a platform's Redis, behind an NGINX that does nothing but pass on, so that
 * what is compared is Clew's work and not a hop.
 */
export async function startControl(platform: Platform): Promise<Control> {
  await using stack = new AsyncDisposableStack()
  const server = platform.ports.gateway + 300
  const door = server + 1
  const main = join(import.meta.dirname, 'feed-control-server.ts')
  const node = startChild(process.execPath, [main, String(server), platform.urls.redis])
  stack.defer(() => endChild(node))
  const { nginx } = await findTools(['nginx'], () => undefined)
  const folder = join(platform.state, 'control')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'nginx.conf'), conf(folder, door, server))
  const files = ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')]
  const proxy = startChild(nginx?.file ?? '', files, nginx?.env)
  stack.defer(() => endChild(proxy))
  const origin = `http://127.0.0.1:${door}`
  await untilReady(server)
  await untilReady(door)
  const redis = () => platform.pid('redis') ?? 0
  const read = () => ({
    control: cpuMicrosOf(node.pid ?? 0),
    'control nginx': cpuMicrosOf(proxy.pid ?? 0),
    redis: cpuMicrosOf(redis()),
  })
  const owned = stack.move()
  return {
    origin,
    async measure(amount, next) {
      const before = read()
      const got = await sendAll(origin, amount, next)
      const after = read()
      const part = (name: keyof typeof before) => (after[name] - before[name]) / amount
      const cpu = {
        control: part('control'),
        'control nginx': part('control nginx'),
        redis: part('redis'),
      }
      return { cpu, spans: 0, got }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function untilReady(port: number): Promise<void> {
  const ready = answersTcp(port)
  for (let tries = 0; !(await ready()); tries++) {
    if (tries > 100) throw new Error('the control does not start')
    await sleep(100)
  }
}

function startChild(file: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

function conf(folder: string, port: number, upstream: number): string {
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream control { server 127.0.0.1:${upstream}; keepalive 32; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 100000;
    location / {
      proxy_pass http://control;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
}
