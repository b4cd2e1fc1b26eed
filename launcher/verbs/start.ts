import { join, relative } from 'node:path'
import { showProgress, showTrouble } from '../console.ts'
import { readOverrides } from '../environment.ts'
import { makeFirstRequest } from '../first-request.ts'
import { readOptions } from '../options.ts'
import {
  chooseRows,
  type Platform,
  root,
  startPlatform,
  type TelemetryMode,
  telemetryOf,
} from '../platform.ts'
import { hearSignals } from '../signals.ts'
import type { Change } from '../supervisor.ts'
import { describeVillage } from '../village.ts'

/** Brings the platform up, shows one request's trace, and keeps it up until it is asked to stop. */
export function start(args: string[]): Promise<number> {
  return run(args, false)
}

/** As start; services start again when their source changes. */
export function dev(args: string[]): Promise<number> {
  return run(args, true)
}

async function run(args: string[], watch: boolean): Promise<number> {
  const { portOffset, state, only } = readOptions(args)
  const env = await readOverrides(root)
  const telemetry = telemetryOf(env)
  const stopping = new AbortController()
  const choice = { village: true, ...(only && { only }) }
  const rows = chooseRows(choice)
  const progress = showProgress(rows.map(({ name }) => name))
  let hear: (change: Change) => void = progress.tell
  let running: Platform | undefined
  hearSignals(
    () => stopping.abort(),
    () => running?.parts().map(({ name }) => running?.kill(name, 'SIGKILL')),
  )
  try {
    running = await startPlatform({
      portOffset,
      state,
      watch,
      env,
      telemetry,
      ...choice,
      signal: stopping.signal,
      tell: (change) => hear(change),
      onStopRequest: () => stopping.abort(),
    })
  } finally {
    await progress.end()
  }
  await using owned = new AsyncDisposableStack()
  const platform = owned.use(running)
  hear = showTrouble
  const has = (...names: string[]) => names.every((name) => rows.some((row) => row.name === name))
  const { gateway, query, postgres } = platform.urls
  if (has('nginx', 'auth', 'lens')) {
    process.stdout.write(`\n${await makeFirstRequest(gateway, query, telemetry)}`)
  }
  const village = has('nginx', 'village') ? await describeVillage(gateway, postgres) : ''
  process.stdout.write(describe(platform, telemetry, village))
  await until(stopping.signal)
  hear = () => undefined
  process.stdout.write('\nStopping.\n')
  await owned.disposeAsync()
  process.stdout.write('Stopped.\n')
  return 0
}

function describe(
  { urls, ports, parts, state }: Platform,
  telemetry: TelemetryMode,
  village: string,
): string {
  const has = (name: string) => parts().some((part) => part.name === name)
  const lines = [
    has('nginx') && `  API         ${urls.gateway}`,
    has('lens') && `  traces      ${urls.query}/api/v3/services`,
    has('prometheus') && `  Prometheus  ${urls.prometheus}`,
    has('postgres') && `  Postgres    127.0.0.1:${ports.postgres}`,
    has('redis') && `  Redis       127.0.0.1:${ports.redis}`,
    `  logs        ${relative(process.cwd(), state) || '.'}/logs`,
  ].filter(Boolean)
  // Trace learns the ports from the Clew that runs in the state folder.
  const place = state === join(root, '.clew') ? '' : ` --state "${state}"`
  const draw = `npm run trace -- last${place} draws the newest trace. `
  const more = has('lens') && telemetry !== 'off' ? draw : ''
  return `\nClew runs.\n${lines.join('\n')}\n${village}\n${more}Ctrl-C stops everything.\n`
}

function until(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
