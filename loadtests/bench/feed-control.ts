import { join } from 'node:path'
import type { Platform } from '@clew/launcher/platform'
import type { Block } from './blocks.ts'
import { startNginx, startServer } from './child.ts'
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
  const port = platform.ports.gateway + 300
  const door = port + 1
  const redis = platform.urls.redis
  const server = stack.use(await startServer('feed-control-server.ts', port, redis))
  const folder = join(platform.state, 'control')
  const proxy = stack.use(await startNginx(folder, door, passOn(door, port)))
  const origin = `http://127.0.0.1:${door}`
  const read = () => ({
    control: server.cpuMicros(),
    'control nginx': proxy.cpuMicros(),
    redis: cpuMicrosOf(platform.pid('redis') ?? 0),
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

function passOn(port: number, upstream: number): string {
  return `
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
`
}
