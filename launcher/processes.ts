import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { migrate } from './migrations.ts'
import type { PortName, Ports } from './ports.ts'
import {
  adminUrl,
  createCluster,
  createDatabases,
  type Postgres,
  postgresCommand,
} from './postgres.ts'
import { answersHttp, answersSql, answersTcp, type Probe } from './readiness.ts'
import { redisConf } from './redis.ts'
import { fillTemplate } from './template.ts'
import type { Tool, ToolName, Tools } from './tools.ts'

/** What a row may use to say how it runs. All folders are absolute. */
export type Context = {
  root: string
  state: string
  ports: Ports
  tools: Tools
  postgres: Postgres
  /** Of the administrators of Postgres and Redis; made on first start. */
  password: string
  /** Of everybody else who has a login, by name; made on first start. */
  passwords: Record<string, string>
  /** With it media may have NGINX fetch an image anew; made on first start. */
  refreshKey: string
}

/** A part of the platform: a process when it has a `command`, else a step that is done once. */
export type Row = {
  name: string
  /** Rows that must be ready before this one starts; it stops before they do. */
  needs: string[]
  ports?: PortName[]
  tool?: ToolName
  /** The name of its Postgres role and database and of its Redis user. */
  role?: string
  /** Variables for everybody: where this part is found. */
  tells?(context: Context): Record<string, string>
  /** Variables for this process alone. */
  env?(context: Context): Record<string, string>
  /** Runs before each launch; for a step it is the whole work. `env` is all the process will see. */
  prepare?(context: Context, env: Record<string, string>): Promise<void>
  command?(context: Context): string[]
  ready?(context: Context): Probe
  /** How to ask it to end; SIGTERM unless given. */
  stopSignal?: NodeJS.Signals
  /** The folders of the source it runs, when that is ours; relative to the root. */
  sources?: string[]
}

/** What every process of ours may load, besides its own source. */
const shared = ['kit', 'telemetry/node', 'telemetry/conventions']

/** The one table of what runs. Adding a part is adding a row. */
export const rows: Row[] = [
  {
    name: 'postgres-data',
    needs: [],
    prepare: ({ postgres, state, password }) =>
      createCluster(postgres, join(state, 'data', 'postgres'), password),
  },
  {
    name: 'postgres',
    needs: ['postgres-data'],
    ports: ['postgres'],
    command: ({ postgres, state, ports }) =>
      postgresCommand(postgres, join(state, 'data', 'postgres'), ports.postgres),
    ready: ({ ports, password }) => answersSql(adminUrl(ports.postgres, password)),
    // The default waits for every client to leave; this ends their sessions in good order.
    stopSignal: 'SIGINT',
  },
  {
    name: 'databases',
    needs: ['postgres'],
    prepare: ({ ports, password, passwords }) =>
      createDatabases(serviceLogins(passwords), (database) =>
        adminUrl(ports.postgres, password, database),
      ),
  },
  {
    name: 'redis',
    needs: [],
    ports: ['redis'],
    tool: 'redis',
    prepare: async ({ state, ports, password, passwords }) => {
      const folder = join(state, 'data', 'redis')
      await mkdir(folder, { recursive: true })
      const services = serviceLogins(passwords)
      const gatewayPassword = passwords.gateway ?? ''
      const conf = redisConf({ port: ports.redis, folder, services, gatewayPassword, password })
      await writeFile(join(state, 'run', 'redis.conf'), conf, { mode: 0o600 })
    },
    command: ({ state, tools }) => [tools.redis?.file ?? '', join(state, 'run', 'redis.conf')],
    ready: ({ ports, password }) =>
      answersTcp(ports.redis, `AUTH clew ${password}\r\nPING\r\n`, '+PONG'),
  },
  {
    name: 'lens',
    needs: [],
    ports: ['query', 'otlp', 'statsd', 'metrics'],
    tells: ({ ports }) => ({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${ports.otlp}`,
      CLEW_STATSD: `127.0.0.1:${ports.statsd}`,
    }),
    env: ({ ports, state }) => ({
      LENS_OTLP_PORT: String(ports.otlp),
      LENS_QUERY_PORT: String(ports.query),
      LENS_STATSD_PORT: String(ports.statsd),
      LENS_METRICS_PORT: String(ports.metrics),
      LENS_DATA: join(state, 'data', 'lens'),
    }),
    sources: ['telemetry/lens/src', ...shared],
    command: (context) => runNode(context, 'telemetry/lens/src/main.ts'),
    ready: ({ ports }) => answersHttp(`http://127.0.0.1:${ports.query}/api/v3/services`),
  },
  {
    name: 'prometheus',
    needs: [],
    ports: ['prometheus'],
    tool: 'prometheus',
    env: ({ ports }) => ({ LENS_METRICS_PORT: String(ports.metrics) }),
    prepare: async ({ root, state }, env) => {
      const folder = join(root, 'telemetry', 'prometheus')
      await copyFile(join(folder, 'rules.yml'), join(state, 'run', 'rules.yml'))
      const target = join(state, 'run', 'prometheus.yml')
      await render(join(folder, 'prometheus.yml.template'), target, env)
    },
    command: ({ state, ports, tools }) => [
      tools.prometheus?.file ?? '',
      `--config.file=${join(state, 'run', 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(state, 'data', 'prometheus')}`,
      '--storage.tsdb.retention.time=7d',
      '--storage.tsdb.retention.size=512MB',
      `--web.listen-address=127.0.0.1:${ports.prometheus}`,
      ...pagesOf(tools.prometheus),
      '--log.level=warn',
    ],
    ready: ({ ports }) => answersHttp(`http://127.0.0.1:${ports.prometheus}/-/ready`),
  },
  ...service('auth', {
    needs: ['redis', 'lens'],
    env: ({ state }) => ({ AUTH_KEYS: join(state, 'keys') }),
  }),
  ...service('profile', { needs: ['redis', 'lens'] }),
  ...service('feed', { needs: ['redis', 'lens'] }),
  {
    // What follows a post: in a process of its own, so that a post read by thousands slows no reader.
    name: 'feed-worker',
    needs: ['feed-tables', 'redis', 'lens'],
    ports: ['feedWorker'],
    tells: ({ ports }) => ({ FEED_WORKER_URL: `http://127.0.0.1:${ports.feedWorker}` }),
    env: (context) => ({
      ...serviceVariables('feed', context),
      OTEL_SERVICE_NAME: 'feed-worker',
      FEED_WORKER_PORT: String(context.ports.feedWorker),
    }),
    sources: ['services/feed/src', ...shared],
    command: (context) => runTraced(context, 'services/feed/src/worker.ts'),
    ready: ({ ports }) => answersHttp(`http://127.0.0.1:${ports.feedWorker}/readyz`),
  },
  tables('messaging'),
  ...['1', '2'].map(messaging),
  ...service('media', { needs: ['redis', 'lens'], env: mediaVariables }),
  {
    // What follows an upload: in a process of its own, which takes what others leave of the processor.
    name: 'media-worker',
    needs: ['media-tables', 'redis', 'lens'],
    ports: ['mediaWorker'],
    tells: ({ ports }) => ({ MEDIA_WORKER_URL: `http://127.0.0.1:${ports.mediaWorker}` }),
    env: (context) => ({
      ...serviceVariables('media', context),
      ...mediaVariables(context),
      OTEL_SERVICE_NAME: 'media-worker',
      MEDIA_WORKER_PORT: String(context.ports.mediaWorker),
    }),
    sources: ['services/media/src', ...shared],
    command: (context) => runTraced(context, 'services/media/src/worker.ts'),
    ready: ({ ports }) => answersHttp(`http://127.0.0.1:${ports.mediaWorker}/readyz`),
  },
  {
    name: 'gateway-spans',
    needs: ['redis', 'lens'],
    ports: ['gatewayHealth'],
    env: (context) => ({
      ...gatewayPlaces(context),
      GATEWAY_REDIS_URL: `redis://gateway:${context.passwords.gateway}@127.0.0.1:${context.ports.redis}`,
      GATEWAY_CURSOR: join(context.state, 'data', 'gateway', 'cursor.json'),
    }),
    sources: ['telemetry/gateway/src', ...shared],
    command: (context) => runNode(context, 'telemetry/gateway/src/main.ts'),
    ready: ({ ports }) => answersHttp(`http://127.0.0.1:${ports.gatewayHealth}/livez`),
  },
  {
    name: 'nginx',
    needs: ['auth', 'profile', 'feed', 'messaging-1', 'messaging-2', 'media', 'gateway-spans'],
    ports: ['gateway'],
    tool: 'nginx',
    tells: ({ ports }) => ({ GATEWAY_URL: `http://127.0.0.1:${ports.gateway}` }),
    env: (context) => ({
      ...gatewayPlaces(context),
      GATEWAY_PORT: String(context.ports.gateway),
      GATEWAY_SAMPLED: '100%',
      AUTH_PORT: String(context.ports.auth),
      PROFILE_PORT: String(context.ports.profile),
      FEED_PORT: String(context.ports.feed),
      MESSAGING_PORT: String(context.ports.messaging),
      MESSAGING_2_PORT: String(context.ports.messaging2),
      MEDIA_PORT: String(context.ports.media),
      MEDIA_REFRESH_KEY: context.refreshKey,
      LENS_OTLP_PORT: String(context.ports.otlp),
    }),
    prepare: async ({ root, state }, env) => {
      await mkdir(join(state, 'run', 'nginx'), { recursive: true })
      const template = join(root, 'nginx', 'nginx.conf.template')
      await render(template, join(state, 'run', 'nginx.conf'), env)
    },
    command: ({ state, tools }) => [
      tools.nginx?.file ?? '',
      ...['-p', join(state, 'run', 'nginx'), '-e', 'stderr'],
      ...['-c', join(state, 'run', 'nginx.conf')],
      // As root its workers would become nobody, who may not enter the state folder.
      ...['-g', `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`],
    ],
    // Not its /health: that sums up the services, and NGINX serves with some of them down.
    ready: ({ ports }) => answersTcp(ports.gateway),
    stopSignal: 'SIGQUIT',
  },
]

/**
 * A service of ours: its migrations as a step, then its process. Database, Redis user, variables and
 * folder are all named after it, and its port is the one of that name.
 */
function service(name: PortName, { needs, env }: Pick<Row, 'needs' | 'env'>): Row[] {
  return [
    tables(name),
    {
      name,
      needs: [`${name}-tables`, ...needs],
      ports: [name],
      role: name,
      tells: ({ ports }) => ({ [`${name.toUpperCase()}_URL`]: `http://127.0.0.1:${ports[name]}` }),
      env: (context) => ({ ...serviceVariables(name, context), ...env?.(context) }),
      sources: [`services/${name}/src`, ...shared],
      command: (context) => runTraced(context, `services/${name}/src/main.ts`),
      ready: ({ ports }) => answersHttp(`http://127.0.0.1:${ports[name]}/readyz`),
    },
  ]
}

/** The step that makes a service's tables. */
function tables(service: string): Row {
  return {
    name: `${service}-tables`,
    needs: ['databases'],
    prepare: ({ root, ports, password }) =>
      migrate(
        join(root, 'services', service, 'migrations'),
        adminUrl(ports.postgres, password, service),
      ),
  }
}

/** One of messaging's two processes, which are alike but for their number and port. */
function messaging(number: string): Row {
  const first = number === '1'
  const port = first ? 'messaging' : 'messaging2'
  return {
    name: `messaging-${number}`,
    needs: ['messaging-tables', 'redis', 'lens'],
    ports: [port],
    role: 'messaging',
    tells: ({ ports }) => ({
      [first ? 'MESSAGING_URL' : 'MESSAGING_2_URL']: `http://127.0.0.1:${ports[port]}`,
    }),
    env: (context) => ({
      ...serviceVariables('messaging', context),
      CLEW_INSTANCE: number,
      MESSAGING_PORT: String(context.ports[port]),
    }),
    sources: ['services/messaging/src', ...shared],
    command: (context) => runTraced(context, 'services/messaging/src/main.ts'),
    ready: ({ ports }) => answersHttp(`http://127.0.0.1:${ports[port]}/readyz`),
  }
}

function mediaVariables({ state, refreshKey }: Context): Record<string, string> {
  return { MEDIA_FOLDER: join(state, 'data', 'media'), MEDIA_REFRESH_KEY: refreshKey }
}

/** What every process of a service gets, named after the service. */
function serviceVariables(name: PortName, { ports, passwords }: Context): Record<string, string> {
  const prefix = name.toUpperCase()
  const login = `${name}:${passwords[name]}@127.0.0.1`
  return {
    OTEL_SERVICE_NAME: name,
    [`${prefix}_PORT`]: String(ports[name]),
    [`${prefix}_DATABASE_URL`]: `postgres://${login}:${ports.postgres}/${name}`,
    [`${prefix}_REDIS_URL`]: `redis://${login}:${ports.redis}`,
  }
}

/** Everybody but the administrators who logs in to Postgres or Redis. */
export function loginNames(): string[] {
  return [...roles(), 'gateway']
}

function serviceLogins(passwords: Record<string, string>): Record<string, string> {
  return Object.fromEntries(roles().map((name) => [name, passwords[name] ?? '']))
}

/** The services that have a database and a Redis user. */
function roles(): string[] {
  return [...new Set(rows.flatMap(({ role }) => role ?? []))]
}

function runNode({ root }: Context, main: string, flags: string[] = []): string[] {
  return [process.execPath, ...flags, join(root, main)]
}

function runTraced(context: Context, main: string): string[] {
  const register = pathToFileURL(join(context.root, 'telemetry', 'node', 'register.ts'))
  return runNode(context, main, ['--import', register.href])
}

function gatewayPlaces({ state, ports }: Context) {
  return {
    GATEWAY_LOG: join(state, 'logs', 'gateway-access.log'),
    GATEWAY_RUN: join(state, 'run', 'nginx'),
    GATEWAY_HEALTH_PORT: String(ports.gatewayHealth),
  }
}

/** Debian's Prometheus looks for its pages where they would be installed. */
function pagesOf(tool: Tool | undefined): string[] {
  if (!tool?.unpacked) return []
  return [`--web.local-assets=${join(tool.unpacked, 'usr/share/prometheus/web/')}`]
}

async function render(template: string, target: string, values: Record<string, string>) {
  await writeFile(target, fillTemplate(await readFile(template, 'utf8'), values))
}
