import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { Refusal } from './refusal.ts'

/**
 * Every port of the platform: its place in the block and the variable that may move it alone.
 * All stay below 32768 with the offsets in use; above begins the ephemeral range, where any
 * outgoing connection may already sit on the number.
 */
const table = {
  gateway: { base: 8080, variable: 'GATEWAY_PORT' },
  gatewayHealth: { base: 8081, variable: 'GATEWAY_HEALTH_PORT' },
  auth: { base: 3001, variable: 'AUTH_PORT' },
  profile: { base: 3002, variable: 'PROFILE_PORT' },
  feed: { base: 3003, variable: 'FEED_PORT' },
  feedWorker: { base: 3013, variable: 'FEED_WORKER_PORT' },
  messaging: { base: 3004, variable: 'MESSAGING_PORT' },
  messaging2: { base: 3014, variable: 'MESSAGING_2_PORT' },
  media: { base: 3005, variable: 'MEDIA_PORT' },
  mediaWorker: { base: 3015, variable: 'MEDIA_WORKER_PORT' },
  query: { base: 16686, variable: 'LENS_QUERY_PORT' },
  otlp: { base: 4318, variable: 'LENS_OTLP_PORT' },
  statsd: { base: 8125, variable: 'LENS_STATSD_PORT', udp: true },
  metrics: { base: 9102, variable: 'LENS_METRICS_PORT' },
  prometheus: { base: 9090, variable: 'PROMETHEUS_PORT' },
  postgres: { base: 5442, variable: 'POSTGRES_PORT' },
  redis: { base: 6389, variable: 'REDIS_PORT' },
} satisfies Record<string, { base: number; variable: string; udp?: boolean }>

export type PortName = keyof typeof table
export type Ports = Record<PortName, number>

export const portNames = Object.keys(table) as PortName[]
export const portVariables = Object.values(table).map(({ variable }) => variable)

/**
 * The whole block moved by `offset`; a variable in `env` moves a single port instead.
 * @throws Refusal naming a variable that is no port
 */
export function portBlock(offset: number, env: Record<string, string | undefined> = {}): Ports {
  const entries = portNames.map((name) => {
    const { base, variable } = table[name]
    return [name, env[variable] ? readPort(variable, env[variable]) : base + offset]
  })
  return Object.fromEntries(entries)
}

function readPort(variable: string, text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new Refusal(`${variable} is ${text}: a port is a whole number from 1 to 65535.`)
}

/** The first of these ports that another program holds on loopback, if any. */
export async function findTakenPort(
  ports: Ports,
  names: PortName[],
): Promise<PortName | undefined> {
  const taken = await Promise.all(names.map((name) => isTaken(ports[name], isUdp(name))))
  return names[taken.indexOf(true)]
}

function isUdp(name: PortName): boolean {
  return 'udp' in table[name]
}

function isTaken(port: number, udp: boolean): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = udp ? createSocket('udp4') : createServer()
  socket.once('error', () => resolve(true))
  const release = () => socket.close(() => resolve(false))
  if ('bind' in socket) socket.bind(port, '127.0.0.1', release)
  else socket.listen(port, '127.0.0.1', release)
  return promise
}
