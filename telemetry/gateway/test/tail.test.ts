import { appendFile, copyFile, readFile, rename, stat, truncate } from 'node:fs/promises'
import { createLogger } from '@clew/kit/log'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createExporter } from '../src/exporter.ts'
import { createFollower } from '../src/follower.ts'
import { startTail } from '../src/tail.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { startEcho, startReceiver } from './servers.ts'
import { startTailProcess } from './tail.ts'

const soon = { timeout: 15_000 }
let owned: AsyncDisposableStack
let gateway: Gateway

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  gateway = owned.use(await startGateway())
  owned.use(await startEcho(gateway.ports.profile))
})

afterEach(() => owned.disposeAsync())

/** Asks for `/api/users/{first}` and on, and says what was asked. */
async function visit(first: number, count: number): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, index) => `/api/users/${first + index}`)
  for (const path of paths) await (await fetch(gateway.url + path)).text()
  return paths
}

async function receiver() {
  return owned.use(await startReceiver(gateway.ports.lens))
}

/** The tail within this process, so that its limits can be small. */
function tailHere(limits: { rotate: number; backlog: number }) {
  const log = createLogger('test')
  log.level = 'silent'
  const follower = owned.use(createFollower(gateway.paths.log, undefined))
  const { send } = createExporter(`http://127.0.0.1:${gateway.ports.lens}`, 'test', log)
  return owned.use(startTail({ follower, send, log, paths: gateway.paths, limits }))
}

function health(): Promise<Response> {
  return fetch(`${gateway.url}/health`)
}

test('a request becomes a span of the gateway, below its caller', async () => {
  const { spans, resources } = await receiver()
  owned.use(await startTailProcess(gateway))
  const trace = '0123456789abcdef0123456789abcdef'
  const before = Date.now()
  const answer = await fetch(`${gateway.url}/api/users/17?q=secret`, {
    headers: { traceparent: `00-${trace}-00000000000000aa-01`, baggage: 'clew.run=r1' },
  })
  await expect.poll(() => spans.length, soon).toBe(1)
  expect(spans[0]).toMatchObject({
    traceId: trace,
    spanId: answer.headers.get('x-span-id'),
    parentSpanId: '00000000000000aa',
    name: 'GET /api/users/{id}',
    kind: 2,
  })
  // In the caller's millisecond or later, or one before it by rounding.
  expect(Number(spans[0]?.startTimeUnixNano) / 1e6).toBeGreaterThanOrEqual(before - 1)
  expect(JSON.stringify(spans)).not.toContain('secret')
  const resource = resources[0]?.attributes.map(({ key, value }) => [key, value.stringValue])
  expect(Object.fromEntries(resource ?? [])).toMatchObject({
    'service.name': 'gateway',
    'service.version': expect.any(String),
    'service.instance.id': expect.any(String),
    'deployment.environment.name': 'test',
  })
})

test('a service that is away leaves a span that says so', async () => {
  const { spans } = await receiver()
  owned.use(await startTailProcess(gateway))
  await fetch(`${gateway.url}/api/auth/login`, { method: 'POST' })
  await expect.poll(() => spans.length, soon).toBe(1)
  expect(spans[0]).toMatchObject({ status: { code: 2 }, events: [{ name: 'exception' }] })
})

test('the collector comes later, goes, and comes back: every span arrives', async () => {
  owned.use(await startTailProcess(gateway))
  const early = await visit(0, 5)
  const { paths, state } = await receiver()
  await expect.poll(paths, soon).toEqual(early)
  state.status = 503
  const late = await visit(5, 5)
  await expect.poll(() => state.batches, soon).toBeGreaterThan(2)
  expect(paths()).toEqual(early)
  state.status = 200
  await expect.poll(paths, soon).toEqual([...early, ...late])
})

test('killed at any moment and started again, it loses nothing', async () => {
  const { paths } = await receiver()
  const expected = []
  for (let round = 0; round < 5; round++) {
    const tail = await startTailProcess(gateway)
    expected.push(...(await visit(round * 20, 20)))
    await new Promise((resolve) => setTimeout(resolve, 60 * round))
    await tail.kill()
  }
  owned.use(await startTailProcess(gateway))
  await expect.poll(() => paths().toSorted(), soon).toEqual(expected.toSorted())
})

test('killed between a refusal and the next try, it sends again what was refused', async () => {
  const { paths, state } = await receiver()
  state.status = 503
  const tail = await startTailProcess(gateway)
  const visited = await visit(0, 5)
  await expect.poll(() => state.batches, soon).toBeGreaterThan(0)
  await tail.kill()
  state.status = 200
  owned.use(await startTailProcess(gateway))
  await expect.poll(paths, soon).toEqual(visited)
})

test('ended, it sends what NGINX has written by then and exits with 0', async () => {
  const { paths } = await receiver()
  const tail = await startTailProcess(gateway)
  const visited = await visit(0, 10)
  await expect.poll(async () => (await gateway.logged()).length, soon).toBe(10)
  await tail[Symbol.asyncDispose]()
  expect(tail.exitCode()).toBe(0)
  expect(paths()).toEqual(visited)
})

test('while it was not running the log was renamed, and NGINX opened it anew', async () => {
  const { paths } = await receiver()
  const tail = await startTailProcess(gateway)
  const first = await visit(0, 3)
  await expect.poll(paths, soon).toEqual(first)
  await tail[Symbol.asyncDispose]()
  const second = await visit(3, 3)
  await rename(gateway.paths.log, `${gateway.paths.log}.1`)
  process.kill(Number(await readFile(gateway.paths.pidFile, 'utf8')), 'SIGUSR1')
  await expect.poll(() => stat(gateway.paths.log).catch(() => undefined), soon).toBeTruthy()
  const third = await visit(6, 3)
  owned.use(await startTailProcess(gateway))
  await expect.poll(paths, soon).toEqual([...first, ...second, ...third])
})

test('the log is copied and truncated under it', async () => {
  const { paths } = await receiver()
  owned.use(await startTailProcess(gateway))
  const first = await visit(0, 3)
  await expect.poll(paths, soon).toEqual(first)
  await copyFile(gateway.paths.log, `${gateway.paths.log}.1`)
  await truncate(gateway.paths.log)
  const second = await visit(3, 3)
  await expect.poll(paths, soon).toEqual([...first, ...second])
})

test('a log that has grown large and is read is moved aside, under traffic, without a loss', async () => {
  const { paths } = await receiver()
  tailHere({ rotate: 20_000, backlog: 1e9 })
  const visited = []
  for (let round = 0; round < 6; round++) {
    visited.push(...(await visit(round * 100, 100)))
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  await expect.poll(() => paths().toSorted(), soon).toEqual(visited.toSorted())
  const { size } = await stat(`${gateway.paths.log}.1`)
  expect(size).toBeGreaterThanOrEqual(20_000)
  // Between the move and NGINX's reopening there is no log at all.
  const sizeNow = () => stat(gateway.paths.log).then((log) => log.size)
  await expect.poll(sizeNow, soon).toBeLessThan(visited.length * 300)
})

test('a collector that stays away does not fill the disk: spans are given up and counted', async () => {
  const tail = tailHere({ rotate: 10_000, backlog: 10_000 })
  await visit(0, 100)
  await expect.poll(async () => (await tail.stats()).givenUpBytes, soon).toBeGreaterThan(10_000)
  await expect.poll(() => stat(`${gateway.paths.log}.1`).catch(() => undefined), soon).toBeTruthy()
  const { paths } = await receiver()
  const later = await visit(200, 3)
  await expect.poll(paths, soon).toEqual(expect.arrayContaining(later))
})

test('garbage in the log is skipped and counted', async () => {
  const { paths } = await receiver()
  owned.use(await startTailProcess(gateway))
  const first = await visit(0, 1)
  await expect.poll(paths, soon).toEqual(first)
  await appendFile(gateway.paths.log, `{"half":\n\0\0\n${'x'.repeat(600_000)}\n`)
  const second = await visit(1, 1)
  await expect.poll(paths, soon).toEqual([...first, ...second])
  const stats = await (await fetch(`http://127.0.0.1:${gateway.ports.health}/stats`)).json()
  expect(stats).toMatchObject({ spans: 2, refused: 0, givenUpBytes: 0 })
  expect(stats).toHaveProperty(
    'garbage',
    expect.toSatisfy((lines: number) => lines >= 3),
  )
})

test('spans that the collector refuses are counted, and do not hold up the rest', async () => {
  const { state, paths } = await receiver()
  const tail = tailHere({ rotate: 1e9, backlog: 1e9 })
  state.status = 400
  await visit(0, 2)
  await expect.poll(async () => (await tail.stats()).refused, soon).toBe(2)
  state.status = 200
  state.answer = '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"one was bad"}}'
  const later = await visit(2, 1)
  await expect.poll(paths, soon).toEqual(later)
  await expect.poll(tail.stats, soon).toMatchObject({ refused: 3, spans: 0, behindBytes: 0 })
})

test('/health sums up the services', async () => {
  await receiver()
  const { auth, feed, messaging, messaging2, media } = gateway.ports
  for (const port of [feed, messaging, media]) owned.use(await startEcho(port))
  owned.use(await startTailProcess(gateway))
  const others = {
    profile: 'ok',
    feed: 'ok',
    'feed-worker': 'ok',
    media: 'ok',
    'media-worker': 'ok',
  }
  const lame = await health()
  expect(lame.status).toBe(503)
  expect(await lame.json()).toEqual({
    status: 'unavailable',
    services: { ...others, auth: 'failed', 'messaging-1': 'ok', 'messaging-2': 'failed' },
  })
  for (const port of [auth, messaging2]) owned.use(await startEcho(port))
  const well = await health()
  expect(well.status).toBe(200)
  expect(await well.json()).toEqual({
    status: 'ok',
    services: { ...others, auth: 'ok', 'messaging-1': 'ok', 'messaging-2': 'ok' },
  })
})

test('/health without the process that sums up is a problem', async () => {
  const answer = await health()
  expect(answer.status).toBe(503)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
})
