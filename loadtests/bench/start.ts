import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Row } from './row.ts'

const run = promisify(execFile)

/**
 * From a fresh clone with empty caches to the printed waterfall, then a second start.
 * Needs the registries, and Clew's usual ports to be free.
 */
export async function benchStart(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'clew start '))
  const clone = join(folder, 'clew')
  try {
    await run('git', ['clone', '--quiet', '.', clone])
    const env = {
      ...process.env,
      npm_config_cache: join(folder, 'npm'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      PATH: (process.env.PATH ?? '')
        .split(':')
        .filter((entry) => !entry.includes('node_modules'))
        .join(':'),
    }
    const cold = await timeStart(clone, env)
    const warm = await timeStart(clone, env)
    return [
      {
        name: 'fresh clone to first trace, empty caches',
        value: cold,
        unit: 's',
        aim: 90,
        better: 'lower',
      },
      { name: 'second start to first trace', value: warm, unit: 's', aim: 12, better: 'lower' },
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Seconds from `npm start` to the waterfall, told by its first line. */
async function timeStart(cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const started = performance.now()
  const child = spawn('npm', ['start'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let seconds = Number.NaN
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    if (!/trace [0-9a-f]{32}/.test(text)) continue
    seconds = (performance.now() - started) / 1_000
    process.kill(-(child.pid as number), 'SIGINT')
    break
  }
  child.stdout.resume()
  await ended
  return seconds
}
