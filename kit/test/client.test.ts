import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createClient } from '../client.ts'

async function serve(listener: RequestListener) {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Answers with these statuses in turn, the last one for ever; counts what it was asked. */
async function serveStatuses(...statuses: number[]) {
  let asked = 0
  const server = await serve((_request, response) => {
    const status = statuses[Math.min(asked++, statuses.length - 1)] ?? 200
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ detail: `answer ${asked}` }))
  })
  return Object.assign(server, { asked: () => asked })
}

const get = { method: 'GET', template: '/things' } as const
const post = { method: 'POST', template: '/things', body: {} } as const

test('what fails is asked again, if it may be', async () => {
  await using server = await serveStatuses(500, 503, 200)
  await using client = createClient('things', server.url)
  expect(await client.request(get)).toEqual({ status: 200, body: { detail: 'answer 3' } })
  expect(server.asked()).toBe(3)
})

test('a POST is asked once, unless it says that it is idempotent', async () => {
  await using server = await serveStatuses(500, 201)
  await using client = createClient('things', server.url)
  await expect(client.request(post)).rejects.toMatchObject({ status: 503 })
  expect(server.asked()).toBe(1)
  expect((await client.request({ ...post, idempotent: true })).status).toBe(201)
})

test('a refusal is passed on and not asked again', async () => {
  await using server = await serveStatuses(409)
  await using client = createClient('things', server.url)
  await expect(client.request(get)).rejects.toMatchObject({ status: 409, message: 'answer 1' })
  expect(server.asked()).toBe(1)
})

test('any deadline will do, and all tries together keep it', async () => {
  await using server = await serve(() => {})
  await using client = createClient('things', server.url)
  const start = performance.now()
  const asked = client.request({ ...get, withinMs: 120.5 })
  await expect(asked).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  expect(performance.now() - start).toBeGreaterThan(100)
  expect(performance.now() - start).toBeLessThan(1_000)
})

test('after five failures in a row it is left alone for a second', async () => {
  await using server = await serveStatuses(500, 500, 500, 500, 500, 200)
  await using client = createClient('things', server.url)
  for (let i = 0; i < 5; i++) await client.request(post).catch(() => {})
  await expect(client.request(post)).rejects.toMatchObject({ status: 503 })
  expect(server.asked()).toBe(5)
  await sleep(1_050)
  expect((await client.request(post)).status).toBe(200)
})

test('nobody there is a 503', async () => {
  await using client = createClient('things', 'http://127.0.0.1:1')
  await expect(client.request(get)).rejects.toMatchObject({
    ...{ status: 503, message: expect.stringContaining('things cannot be reached') },
  })
})
