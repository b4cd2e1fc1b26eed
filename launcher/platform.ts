import { join, resolve } from 'node:path'
import { type Control, serveControl } from './control.ts'
import { overridden, perProcess } from './environment.ts'
import { endLeftovers } from './leftovers.ts'
import { dependents, inOrder, selectRows } from './order.ts'
import { findTakenPort, type Ports, portBlock } from './ports.ts'
import { adminUrl, findPostgres } from './postgres.ts'
import { type Context, loginNames, type Row, rows } from './processes.ts'
import { Refusal } from './refusal.ts'
import {
  claimState,
  emptyState,
  explainTakenPort,
  prepareState,
  readPassword,
  readPasswords,
  readSecret,
} from './state.ts'
import { type Change, createPart, type Part, type Status } from './supervisor.ts'
import { findTools } from './tools.ts'
import { villageRow } from './village.ts'
import { type Watched, watchSources } from './watch.ts'

export const root = resolve(import.meta.dirname, '..')

export type TelemetryMode = 'lean' | 'auto' | 'off'

export type PlatformOptions = {
  /** Added to every port; 0 is what people use, tests use 10000. */
  portOffset?: number
  /** The folder of data, logs, keys and pids; relative to the checkout. */
  state?: string
  telemetry?: TelemetryMode
  /** Wins over what the table of processes says. */
  env?: Record<string, string>
  /** Only these rows, and what they need. */
  only?: string[]
  /** Sixty invented people, where there is nobody yet. */
  village?: boolean
  /** Services start again when their source changes. */
  watch?: boolean
  /** Begin without the data, keys and logs of last time. */
  fresh?: boolean
  /** Gives up the start. */
  signal?: AbortSignal
  /** Hears every change of every part, and what is fetched before anything starts. */
  tell?(change: Change): void
  /** Called when the platform is asked to stop from outside (`npm run stop`); whoever started it disposes it. */
  onStopRequest?(): void
}

export type Platform = AsyncDisposable & {
  ports: Ports
  urls: {
    gateway: string
    auth: string
    profile: string
    feed: string
    /** Of the two processes the first. */
    messaging: string
    messaging2: string
    media: string
    /** The trace query API. */
    query: string
    otlp: string
    /** Metrics text of lens. */
    metrics: string
    prometheus: string
    /** As the administrator. */
    postgres: string
    redis: string
  }
  /** Of each service's Postgres role and Redis user. */
  passwords: Record<string, string>
  /** Every variable any process was given. */
  env: Record<string, string>
  state: string
  /** Path of the control socket. */
  control: string
  parts(): Status[]
  start(name: string): Promise<void>
  stop(name: string): Promise<void>
  kill(name: string, signal: NodeJS.Signals): boolean
  pid(name: string): number | undefined
}

/** The mode a person has set; anything but the three is refused. */
export function telemetryOf(env: Record<string, string | undefined>): TelemetryMode {
  const mode = env.CLEW_TELEMETRY || 'lean'
  if (mode === 'lean' || mode === 'auto' || mode === 'off') return mode
  throw new Refusal(`CLEW_TELEMETRY is ${mode}: it is one of lean, auto, off.`)
}

/** The rows these options ask for. @throws Refusal naming the rows there are, when one is not known */
export function chooseRows({ only, village }: Pick<PlatformOptions, 'only' | 'village'>): Row[] {
  const all = village ? [...rows, villageRow] : rows
  try {
    return only ? selectRows(all, only) : all
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const known = rows.filter(({ command }) => command).map(({ name }) => name)
    throw new Refusal(`There is no part named ${error.message}; there are: ${known.join(', ')}.`)
  }
}

/**
 * Brings the platform up, whole or in part, and keeps it up until it is disposed.
 * `npm start`, the tests and the benchmarks all begin here.
 * @throws Refusal when it cannot; nothing is left running then
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const chosen = chooseRows(options)
  const state = resolve(root, options.state ?? '.clew')
  const ports = portBlock(options.portOffset ?? 0, options.env)
  await using owned = new AsyncDisposableStack()

  await prepareState(state)
  owned.use(await claimState(state, ports))
  await endLeftovers(join(state, 'run'), rows)
  if (options.fresh) await emptyState(state)
  const taken = await findTakenPort(
    ports,
    chosen.flatMap((row) => row.ports ?? []),
  )
  if (taken) throw await explainTakenPort(state, ports, taken)

  const tell = options.tell ?? (() => undefined)
  const announce = (detail: string) => tell({ name: 'tools', state: 'starting', detail })
  announce('')
  const [tools, postgres, password, passwords, refreshKey] = await Promise.all([
    findTools(
      chosen.flatMap((row) => row.tool ?? []),
      announce,
    ),
    findPostgres(),
    readPassword(state),
    readPasswords(state, loginNames()),
    readSecret(state, 'media-refresh-key'),
  ])
  tell({ name: 'tools', state: 'done', detail: '' })
  const context: Context = { root, state, ports, tools, postgres, password, passwords, refreshKey }
  const parts = createParts(chosen, context, options, tell)
  const partOf = (name: string) => parts.get(name) ?? refuseUnknown(name, chosen)

  const platform: Omit<Platform, keyof AsyncDisposable | 'control'> = {
    ports,
    urls: urlsOf(ports, password),
    passwords,
    env: everyVariable(chosen, context, options),
    state,
    parts: () => [...parts.values()].map((part) => part.status()),
    start: (name) => partOf(name).start(),
    stop: (name) => partOf(name).stop(),
    kill: (name, signal) => partOf(name).kill(signal),
    pid: (name) => partOf(name).status().pid,
  }
  const control: Control = owned.use(
    await serveControl(state, platform, () => options.onStopRequest?.()),
  )
  owned.defer(() =>
    inOrder(
      chosen,
      (row) => dependents(chosen, row),
      async (row) => parts.get(row.name)?.stop(),
    ),
  )
  await Promise.race([
    inOrder(
      chosen,
      (row) => row.needs,
      async (row) => parts.get(row.name)?.start(),
      options.signal,
    ),
    givenUp(options.signal),
  ])
  // Last, so that it ends first: nothing may start again while everything stops.
  if (options.watch) owned.use(watchSources(sourcesOf(chosen, parts), tell))
  const release = owned.move()
  return {
    ...platform,
    control: control.path,
    [Symbol.asyncDispose]: () => release.disposeAsync(),
  }
}

function givenUp(signal: AbortSignal | undefined): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const refuse = () => reject(new Refusal('Stopped before everything had started.'))
  if (signal?.aborted) refuse()
  else signal?.addEventListener('abort', refuse, { once: true })
  return promise
}

function createParts(
  chosen: Row[],
  context: Context,
  options: PlatformOptions,
  tell: (change: Change) => void,
): Map<string, Part> {
  const told = Object.assign({}, ...rows.map((row) => row.tells?.(context)))
  return new Map(
    chosen.map((row) => {
      const libraries = (row.tool && context.tools[row.tool]?.env) ?? {}
      const env = {
        ...inherited(),
        ...libraries,
        ...general(options, context),
        ...told,
        ...overridden(row.env?.(context) ?? {}, options.env),
      }
      return [row.name, createPart(row, context, env, tell)]
    }),
  )
}

function sourcesOf(chosen: Row[], parts: Map<string, Part>): Watched[] {
  return chosen.flatMap(({ name, sources }) => {
    const part = parts.get(name)
    return part && sources ? [{ part, folders: sources.map((folder) => join(root, folder)) }] : []
  })
}

function everyVariable(chosen: Row[], context: Context, options: PlatformOptions) {
  const parts = chosen.flatMap((row) => [row.tells?.(context), row.env?.(context)])
  const variables = Object.assign({}, general(options, context), ...parts, options.env)
  for (const name of perProcess) delete variables[name]
  return variables
}

function general(
  { telemetry, portOffset }: PlatformOptions,
  { state }: Context,
): Record<string, string> {
  return {
    // Node keeps here what it compiled: a process starts sooner and is a third smaller.
    NODE_COMPILE_CACHE: join(state, 'compile-cache'),
    CLEW_TELEMETRY: telemetry ?? 'lean',
    CLEW_ENVIRONMENT: portOffset ? 'test' : 'development',
  }
}

/** Our own environment, without what npm adds to it. */
function inherited(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  return Object.fromEntries(entries) as Record<string, string>
}

function urlsOf(ports: Ports, password: string): Platform['urls'] {
  const http = (port: number) => `http://127.0.0.1:${port}`
  return {
    gateway: http(ports.gateway),
    auth: http(ports.auth),
    profile: http(ports.profile),
    feed: http(ports.feed),
    messaging: http(ports.messaging),
    messaging2: http(ports.messaging2),
    media: http(ports.media),
    query: http(ports.query),
    otlp: http(ports.otlp),
    metrics: `${http(ports.metrics)}/metrics`,
    prometheus: http(ports.prometheus),
    postgres: adminUrl(ports.postgres, password),
    redis: `redis://clew:${password}@127.0.0.1:${ports.redis}`,
  }
}

function refuseUnknown(name: string, chosen: Row[]): never {
  const names = chosen.map((row) => row.name).join(', ')
  throw new Refusal(`There is no part named ${name} here; there are: ${names}.`)
}
