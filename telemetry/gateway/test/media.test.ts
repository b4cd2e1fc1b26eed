import { once } from 'node:events'
import { type ClientRequest, createServer, type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, refreshKey, startGateway } from './gateway.ts'
import { publicImage, startMedia, startUploads } from './servers.ts'

const image = '/media/019aa3f0-0000-7000-8000-000000000001/card'
const megabyte = 1024 * 1024

let owned: AsyncDisposableStack
let gateway: Gateway

beforeEach(async () => {
  owned = new AsyncDisposableStack()
  gateway = owned.use(await startGateway())
})
afterEach(() => owned.disposeAsync())

function ask(path = image, headers: Record<string, string> = {}, method = 'GET') {
  return fetch(`${gateway.url}${path}`, { headers, method })
}

/** What most tests ask of an answer. */
async function shown(asked: Promise<Response>) {
  const answer = await asked
  return [answer.status, answer.headers.get('x-cache'), await answer.text()]
}

describe('an upload', () => {
  test('reaches media while it is still being sent', async () => {
    const media = owned.use(await startUploads(gateway.ports.media))
    const upload = beginUpload(20 * megabyte)
    upload.write(Buffer.alloc(megabyte))
    await media.first
    upload.end(Buffer.alloc(19 * megabyte))
    expect(await answerTo(upload)).toMatchObject({ status: 201, body: { bytes: 20 * megabyte } })
  })

  test('may be 100 MB and its envelope', async () => {
    owned.use(await startUploads(gateway.ports.media))
    const upload = beginUpload(100 * megabyte + 1_000)
    upload.write(Buffer.alloc(50 * megabyte))
    upload.end(Buffer.alloc(50 * megabyte + 1_000))
    expect(await answerTo(upload)).toMatchObject({ status: 201 })
  })

  test('of 102 MB is 413, announced or not', async () => {
    owned.use(await startUploads(gateway.ports.media))
    for (const length of [102 * megabyte, undefined]) {
      const upload = beginUpload(length)
      upload.on('error', () => {})
      const answer = answerTo(upload)
      for (let sent = 0; sent < 102; sent++) upload.write(Buffer.alloc(megabyte))
      upload.end()
      expect(await answer).toMatchObject({
        status: 413,
        type: 'application/problem+json',
        body: { status: 413, detail: 'The body is larger than 100 MB.' },
      })
    }
  })

  test('that media refuses at once is answered so', async () => {
    owned.use(await startUploads(gateway.ports.media, true))
    const upload = beginUpload(5 * megabyte)
    upload.on('error', () => {})
    upload.write(Buffer.alloc(megabyte))
    expect(await answerTo(upload)).toMatchObject({ status: 415 })
    upload.destroy()
  })

  function beginUpload(length: number | undefined): ClientRequest {
    const headers = length === undefined ? {} : { 'content-length': length }
    return request(`${gateway.url}/api/media`, { method: 'POST', headers })
  }

  async function answerTo(upload: ClientRequest) {
    const [answer] = (await once(upload, 'response')) as [IncomingMessage]
    const type = answer.headers['content-type']
    return { status: answer.statusCode, type, body: await json(answer) }
  }
})

describe('an image', () => {
  let media: Awaited<ReturnType<typeof startMedia>>
  beforeEach(async () => {
    media = owned.use(await startMedia(gateway.ports.media))
  })
  const { 'x-accel-expires': _, ...unlimited } = publicImage
  const priv = { ...unlimited, 'cache-control': 'private, no-store', 'x-accel-expires': '0' }
  const absent = { 'cache-control': 'no-store', 'x-accel-expires': '1' }

  test('is fetched once, and each answer and span is of its own request', async () => {
    const answers = [await ask(), await ask(`${image}?w=1`)]
    expect(answers.map(({ headers }) => headers.get('x-cache'))).toEqual(['miss', 'hit'])
    expect(media.asked).toHaveLength(1)
    await expect.poll(() => gateway.logged()).toHaveLength(2)
    const lines = await gateway.logged()
    expect(lines).toMatchObject([
      { cache: 'miss', route: '/media/{id}/{variant}', upstream: 'media' },
      { cache: 'hit', route: '/media/{id}/{variant}', response: '' },
    ])
    for (const [index, { headers }] of answers.entries()) {
      const { trace, span } = lines[index] ?? {}
      expect(headers.get('x-trace-id')).toBe(trace)
      expect(headers.get('x-span-id')).toBe(span)
      expect(headers.get('traceresponse')).toBe(`00-${trace}-${span}-01`)
      expect(headers.get('content-type')).toBe('image/webp')
      expect(headers.get('cache-control')).toContain('immutable')
      expect(headers.has('x-accel-expires')).toBe(false)
    }
  })

  test('is given from the cache to HEAD, in ranges, and not again to who has it', async () => {
    await ask(image, {}, 'HEAD')
    expect(media.asked).toMatchObject([{ method: 'GET' }])
    const head = await ask(image, {}, 'HEAD')
    expect([head.headers.get('x-cache'), head.headers.get('content-length')]).toEqual(['hit', '10'])
    const range = await ask(image, { range: 'bytes=2-4' })
    expect(range.headers.get('content-range')).toBe('bytes 2-4/10')
    expect(await shown(Promise.resolve(range))).toEqual([206, 'hit', '234'])
    expect((await ask(image, { range: 'bytes=20-' })).status).toBe(416)
    expect((await ask(image, { 'if-none-match': '"abc"' })).status).toBe(304)
    expect(media.asked).toHaveLength(1)
  })

  test('is fetched whole for a range, and kept', async () => {
    expect(await shown(ask(image, { range: 'bytes=2-4' }))).toEqual([206, 'miss', '234'])
    expect(media.asked[0]?.headers).not.toHaveProperty('range')
    expect(await shown(ask())).toEqual([200, 'hit', '0123456789'])
  })

  test('is fetched once for many who ask at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect(media.asked).toHaveLength(1)
  })

  test.each([
    ['private', priv],
    ['not made yet', { ...unlimited, 'cache-control': 'no-cache', 'x-accel-expires': '0' }],
    ['without a word about keeping', unlimited],
    ['not described', { 'content-type': 'image/webp' }],
  ])('that is %s is not kept; a range of it is cut all the same', async (_, headers) => {
    media.answer.headers = headers
    const token = { authorization: 'Bearer x', cookie: 'clew_token=x' }
    await ask(image, token)
    expect(await shown(ask(image, { ...token, range: 'bytes=0-1' }))).toEqual([206, 'miss', '01'])
    expect(media.asked).toHaveLength(2)
    expect(media.asked[1]?.headers).toMatchObject(token)
  })

  test('that is private is not hidden from its owner by a stranger who asked before', async () => {
    Object.assign(media.answer, { status: 404, headers: absent, body: '{}' })
    expect(await shown(ask())).toEqual([404, 'miss', '{}'])
    Object.assign(media.answer, { status: 200, headers: priv, body: 'mine' })
    expect(await shown(ask())).toEqual([200, 'miss', 'mine'])
  })

  test('is replaced for who knows the key, and for nobody else', async () => {
    await ask()
    media.answer.body = 'new'
    for (const wrong of ['', 'another', `${refreshKey}x`]) {
      const answer = ask(image, { 'x-clew-refresh': wrong })
      expect(await shown(answer)).toEqual([200, 'hit', '0123456789'])
    }
    expect(await shown(ask(image, { 'x-clew-refresh': refreshKey }))).toEqual([200, 'miss', 'new'])
    expect(await shown(ask())).toEqual([200, 'hit', 'new'])
  })

  test('that is private again, or gone, is so at once when it is refreshed', async () => {
    await ask()
    Object.assign(media.answer, { status: 404, headers: absent, body: '{}' })
    expect((await ask()).status).toBe(200)
    expect((await ask(image, { 'x-clew-refresh': refreshKey })).status).toBe(404)
    expect((await ask()).status).toBe(404)
    // For a second that answer is kept. Then its owner sees it, who asks media.
    Object.assign(media.answer, { status: 200, headers: priv, body: 'mine' })
    await expect.poll(async () => (await ask()).status, { timeout: 10_000 }).toBe(200)
  })

  test('is kept under the one name that is refreshed', async () => {
    for (const other of [image.replace('aa3f', 'AA3F'), `${image}2`]) {
      expect((await shown(ask(other)))[0]).toBe(200)
      expect((await shown(ask(other)))[1]).toBe(null)
    }
    expect(media.asked).toHaveLength(4)
    expect(await shown(ask(image.replace('card', 'car%64')))).toEqual([200, 'miss', '0123456789'])
    expect(await shown(ask())).toEqual([200, 'hit', '0123456789'])
  })

  test('that was on its way here when it became private is gone at the next refresh', async () => {
    await media[Symbol.asyncDispose]()
    const fetched = Promise.withResolvers<void>()
    const rest = Promise.withResolvers<void>()
    let first = true
    const slow = createServer(async (_, response) => {
      if (!first) return void response.writeHead(404, absent).end('{}')
      first = false
      response.writeHead(200, { ...publicImage, 'content-length': 10 }).write('01234')
      fetched.resolve()
      await rest.promise
      response.end('56789')
    })
    slow.listen(gateway.ports.media, '127.0.0.1')
    await once(slow, 'listening')
    owned.defer(() => void slow.close())
    const filling = ask()
    await fetched.promise
    const refresh = { 'x-clew-refresh': refreshKey }
    expect((await ask(image, refresh)).status).toBe(404)
    rest.resolve()
    await (await filling).text()
    // Nothing that the gateway is told meanwhile keeps it from storing this: hence the second time.
    expect(await shown(ask())).toEqual([200, 'hit', '0123456789'])
    expect((await ask(image, refresh)).status).toBe(404)
    expect((await ask()).status).toBe(404)
  })

  test('whose time is over and that is private by then is not shown when media is away', async () => {
    media.answer.headers = { ...publicImage, 'x-accel-expires': '1' }
    await ask()
    await sleep(2_100)
    Object.assign(media.answer, { status: 404, headers: absent, body: '{}' })
    expect((await ask()).status).toBe(404)
    await media[Symbol.asyncDispose]()
    await sleep(2_100)
    expect((await ask()).status).toBe(404)
  })

  test('whose time is over is asked for, and not sent again when it is the same', async () => {
    media.answer.headers = { ...publicImage, 'x-accel-expires': '1' }
    await ask()
    await sleep(2_100)
    expect(await shown(ask())).toEqual([200, 'hit', '0123456789'])
    expect(media.asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"abc"'])
  })

  test('is shown as it was while media is away; what is not kept is 503', async () => {
    media.answer.headers = { ...publicImage, 'x-accel-expires': '1' }
    await ask()
    await media[Symbol.asyncDispose]()
    await sleep(2_100)
    expect(await shown(ask())).toEqual([200, 'stale', '0123456789'])
    await expect.poll(async () => (await gateway.logged()).at(-1)?.cache).toBe('stale')
    const unknown = await ask(`${image}2`)
    expect([unknown.status, unknown.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await unknown.json()).toMatchObject({ trace_id: unknown.headers.get('x-trace-id') })
  })

  test('is shown as it was while media fails', async () => {
    media.answer.headers = { ...publicImage, 'x-accel-expires': '1' }
    await ask()
    media.answer.status = 500
    media.answer.headers = {}
    await sleep(2_100)
    expect(await shown(ask())).toEqual([200, 'stale', '0123456789'])
  })
})

test('a video is not kept, and its ranges are asked of media', async () => {
  await using media = await startMedia(gateway.ports.media)
  const video = image.replace('card', 'video')
  media.answer.status = 206
  media.answer.headers = { ...publicImage, 'content-range': 'bytes 2-11/40' }
  for (let count = 0; count < 2; count++) {
    const answer = await ask(video, { range: 'bytes=2-11' })
    expect(await shown(Promise.resolve(answer))).toEqual([206, null, '0123456789'])
    expect(answer.headers.get('content-range')).toBe('bytes 2-11/40')
  }
  expect(media.asked).toMatchObject(Array(2).fill({ headers: { range: 'bytes=2-11' } }))
})

test('what media is told by other services cannot be told from outside', async () => {
  await using media = await startMedia(gateway.ports.media)
  for (const path of ['/internal/media/uses', '/media/internal', '/readyz']) {
    await ask(path, {}, 'POST')
  }
  expect(media.asked.map(({ url }) => url)).toEqual(['/media/internal'])
  expect((await ask('/internal/media/uses', {}, 'POST')).status).toBe(404)
})

test('NGINX does not start with an empty key, which everybody would know', async () => {
  await expect(startGateway({ MEDIA_REFRESH_KEY: '' })).rejects.toThrow('NGINX ended with 1')
})
