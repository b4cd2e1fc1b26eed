import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { StatsD } from 'hot-shots'
import { afterEach, expect, test, vi } from 'vitest'
import { openMetrics } from '../src/metrics/server.ts'

const host = '127.0.0.1'
const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
})

async function start() {
  const [statsdPort, metricsPort] = [await freePort(), await freePort()]
  const metrics = await openMetrics({ statsdPort, metricsPort, host })
  open.push(metrics)
  const url = `http://${host}:${metricsPort}/metrics`
  return { metrics, statsdPort, metricsPort, url, read: async () => (await fetch(url)).text() }
}

async function freePort(): Promise<number> {
  const server = createTcp()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function send(port: number, datagrams: (string | Buffer)[]): Promise<void> {
  const socket = createSocket('udp4')
  for (const datagram of datagrams) {
    await new Promise((resolve) => socket.send(datagram, port, host, resolve))
  }
  await new Promise<void>((resolve) => socket.close(() => resolve()))
}

async function findPromtool(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (existsSync(join(folder, 'promtool'))) return join(folder, 'promtool')
  }
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'clew')
  for await (const found of glob('prometheus*/**/bin/promtool', { cwd: cache })) {
    return join(cache, found)
  }
  return undefined
}

test('what the StatsD client sends is what Prometheus reads', async () => {
  const { statsdPort, read, url } = await start()
  const client = new StatsD({
    host,
    port: statsdPort,
    prefix: 'auth_service.',
    maxBufferSize: 1432,
    bufferFlushInterval: 50,
    includeDataDogTags: false,
  })
  client.increment('auth_events', { type: 'login' })
  client.increment('auth_events', 2, { type: 'login' })
  client.gauge('active_sessions', 7)
  client.gaugeDelta('active_sessions', -2)
  client.timing('request_duration', 12.5, { route: '/api/auth/{provider}' })
  client.histogram('batch', 3)
  client.distribution('payload', 40)
  client.set('visitors', 'u1')
  client.event('deployed', 'v1')
  client.check('db', client.CHECKS.OK)
  await new Promise((resolve) => client.close(resolve))

  await vi.waitFor(async () => expect(await read()).toContain('visitors 1'))
  const text = await read()
  expect(text).toContain('auth_service_auth_events_total{type="login"} 3\n')
  expect(text).toContain('auth_service_active_sessions 5\n')
  expect(text).toContain('_bucket{route="/api/auth/{provider}",le="20"} 1\n')
  expect(text).toContain('auth_service_request_duration_sum{route="/api/auth/{provider}"} 12.5\n')
  expect(text).toContain('clew_lens_statsd_rejected_total 0\n')
  const answer = await fetch(url)
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
})

test('garbage is counted and harms neither its neighbours nor the server', async () => {
  const { statsdPort, read } = await start()
  const half = Buffer.concat([
    Buffer.from('ok:1|c\nbad'),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(':1|c\nok:1|c'),
  ])
  await send(statsdPort, ['', '\n\n', 'ok:1|c\r\n', half, Buffer.alloc(60_000, 'x'), 'last:1|c'])
  await vi.waitFor(async () => expect(await read()).toContain('last_total 1'))
  expect(await read()).toContain('ok_total 3\n')
  expect(await read()).toContain('clew_lens_statsd_rejected_total 2\n')
})

test('a port that is taken is an error, and the other port is given back', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, host, resolve))
  const { port } = taken.address() as AddressInfo
  const statsdPort = await freePort()
  await expect(openMetrics({ statsdPort, metricsPort: port, host })).rejects.toThrow('EADDRINUSE')
  await new Promise((resolve) => taken.close(resolve))
  open.push(await openMetrics({ statsdPort, metricsPort: port, host }))
  await expect(openMetrics({ statsdPort, metricsPort: 0, host })).rejects.toThrow('EADDRINUSE')
})

test('only GET /metrics is served', async () => {
  const { url, metricsPort } = await start()
  expect((await fetch(`http://${host}:${metricsPort}/`)).status).toBe(404)
  expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405)
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
})

test('promtool finds nothing to complain about', async ({ skip }) => {
  const promtool = await findPromtool()
  if (!promtool) return skip('promtool is neither on PATH nor in the cache')
  const { metrics, statsdPort, read } = await start()
  metrics.gauge('clew.lens.spans', 3)
  const odd = 'odd:1|c|#k:"quoted\\\\",ü:ä,empty,:x,http.route:/a b'
  await send(statsdPort, ['auth_service.request_duration:3|ms|#route:/a', odd, 'pool:3|g', 'u:1|s'])
  await vi.waitFor(async () => expect(await read()).toContain('u 1'))
  const check = spawnSync(promtool, ['check', 'metrics'], { input: await read(), encoding: 'utf8' })
  expect(check.stderr + check.stdout).toBe('')
  expect(check.status).toBe(0)
})
