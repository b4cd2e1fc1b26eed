import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answersTcp } from '@clew/launcher/readiness'
import { findTools } from '@clew/launcher/tools'
import { cpuMicrosOf } from './processes.ts'

/** A server to compare with, which answers when this is had. */
export type Child = AsyncDisposable & {
  /** So far. */
  cpuMicros(): number
}

/** A server of this folder: a file that listens on the port that is its first argument. */
export function startServer(file: string, port: number, ...rest: string[]): Promise<Child> {
  const main = join(import.meta.dirname, file)
  return startChild(port, process.execPath, [main, String(port), ...rest])
}

/** An NGINX with one worker and no log. `folder` becomes its own; `http` is the inside of that block. */
export async function startNginx(folder: string, port: number, http: string): Promise<Child> {
  const { nginx } = await findTools(['nginx'], () => undefined)
  const conf = join(folder, 'nginx.conf')
  await mkdir(folder, { recursive: true })
  await writeFile(conf, confOf(folder, http))
  return startChild(port, nginx?.file ?? '', ['-p', folder, '-e', 'stderr', '-c', conf], nginx?.env)
}

async function startChild(
  port: number,
  file: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Child> {
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await using started = new AsyncDisposableStack()
  started.defer(() => endChild(child))
  await untilReady(port)
  const owned = started.move()
  return {
    cpuMicros: () => cpuMicrosOf(child.pid ?? 0),
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

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

function confOf(folder: string, http: string): string {
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
${http}
}
`
}
