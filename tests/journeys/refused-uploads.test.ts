import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { openPostgres } from '@clew/kit/postgres'
import { describe, expect, it } from 'vitest'
import { form, gifBomb, photo, pngBomb, scriptedSvg, videoHead } from '../images.ts'
import { journey } from '../journey.ts'
import { memoryGrowth } from '../memory.ts'
import { newcomer, type Person, resident } from '../person.ts'
import { readPlatform } from '../platform.ts'

const megabyte = 1_000_000

describe('media, through the gateway, takes no', () => {
  it('file that is not what it is called, or is broken', async () => {
    const person = await resident()
    const whole = await photo({ width: 1_200, height: 900 })
    const wrong: [string, Buffer, string, number][] = [
      ['a picture with a program', scriptedSvg, 'image/svg+xml', 415],
      ['a text called a photo', Buffer.from('Not a photo at all'), 'image/jpeg', 415],
      ['a GIF of sixty million pixels', gifBomb(), 'image/gif', 422],
      ['a PNG of a hundred million', pngBomb(), 'image/png', 422],
      ['half a photo', whole.subarray(0, whole.length / 2), 'image/jpeg', 422],
      ['nothing', Buffer.alloc(0), 'image/jpeg', 422],
    ]
    for (const [what, bytes, type, status] of wrong) {
      const { answer, trace } = await journey(what, () => person.upload(bytes, type))
      expect([what, answer.status]).toEqual([what, status])
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(answer.body).toMatchObject({ status, trace_id: trace.id })
    }
    expect(await keptBy(person)).toEqual({ rows: 0, files: 0 })
  })

  it('path in the name of a file', async () => {
    const person = await resident()
    const { body, type } = form(await photo(), '../../../../clew-was-here')
    const { id } = (await person.upload(body, type)).body
    const folder = readPlatform().env.MEDIA_FOLDER ?? ''
    const everything = await readdir(join(folder, '..', '..'), { recursive: true })
    expect(everything.filter((path) => path.includes('clew-was-here'))).toEqual([])
    expect(everything.some((path) => path.includes(id))).toBe(true)
  })

  it('form without a file, or with two', async () => {
    const person = await resident()
    const { body, type } = form(await photo(), 'a.jpg')
    const boundary = type.split('=')[1]
    const empty = Buffer.from(`--${boundary}--\r\n`)
    const two = Buffer.concat([body.subarray(0, body.lastIndexOf(`--${boundary}--`)), body])
    for (const wrong of [empty, two, body.subarray(0, 300)]) {
      expect([400, 422]).toContain((await person.upload(wrong, type)).status)
    }
    expect(await keptBy(person)).toEqual({ rows: 0, files: 0 })
  })

  it('upload of nobody, and reads none of it', async () => {
    const { answer, trace } = await journey('an upload of nobody', async () =>
      newcomer().upload(await photo()),
    )
    expect(answer.status).toBe(401)
    await trace.toBe(`
      gateway SERVER POST /api/media  http.response.status_code=401
        media SERVER POST /api/media  http.response.status_code=401
    `)
  })

  it('more than 100 MB, whether it says so before or not', async () => {
    const person = await resident()
    // Two megabytes more are too much for the gateway, a little more is too much for media.
    for (const bytes of [107 * megabyte, 105 * megabyte]) {
      for (const told of [true, false]) {
        expect([bytes, told, await uploadNoise(person, bytes, { told })]).toEqual([
          bytes,
          told,
          413,
        ])
      }
    }
    expect(await keptBy(person)).toEqual({ rows: 0, files: 0 })
  })

  it('less than it was promised', async () => {
    const person = await resident()
    const { hostname, port } = new URL(readPlatform().urls.gateway)
    const line = connect(Number(port), hostname)
    line.write(
      `POST /api/media HTTP/1.1\r\nhost: clew\r\nauthorization: Bearer ${person.token}\r\n` +
        `content-type: image/jpeg\r\ncontent-length: ${megabyte}\r\n\r\n`,
    )
    line.write((await photo({ width: 4_000, height: 3_000 })).subarray(0, 20_000))
    await expect.poll(async () => (await keptBy(person)).rows).toBe(1)
    line.destroy()
    await expect.poll(() => keptBy(person), { timeout: 5_000 }).toEqual({ rows: 0, files: 0 })
  })

  it('memory for what streams through: three uploads of 100 MB at once', async () => {
    const people = await Promise.all(Array.from({ length: 3 }, resident))
    const grown = await memoryGrowth(['media', 'nginx'], async () => {
      const statuses = people.map((person) => uploadNoise(person, 100 * megabyte, { told: true }))
      expect(await Promise.all(statuses)).toEqual([201, 201, 201])
    })
    expect(grown.media).toBeLessThan(100 * megabyte)
    expect(grown.nginx).toBeLessThan(100 * megabyte)
    for (const person of people) expect(await keptBy(person)).toEqual({ rows: 1, files: 1 })
  })
})

/** Uploads what begins like a video, a piece at a time; gives the status. */
async function uploadNoise(person: Person, bytes: number, { told }: { told: boolean }) {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const sending = request(`${readPlatform().urls.gateway}/api/media`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${person.token}`,
      'content-type': 'video/mp4',
      ...(told && { 'content-length': bytes }),
    },
  })
  sending.once('response', (response) => {
    response.resume()
    resolve(response.statusCode ?? 0)
  })
  sending.once('error', reject)
  // Whoever is refused may find the line closed while still sending.
  pipeline(Readable.from(noise(bytes)), sending).catch(() => {})
  return promise
}

function* noise(bytes: number) {
  yield videoHead
  const piece = Buffer.alloc(65_536, 7)
  for (let left = bytes - videoHead.length; left > 0; left -= piece.length) {
    yield piece.subarray(0, Math.min(left, piece.length))
  }
}

/** What media keeps of somebody: rows, and how many of those have a folder. */
async function keptBy({ id }: Person): Promise<{ rows: number; files: number }> {
  const { env, urls } = readPlatform()
  await using media = openPostgres(urls.postgres.replace(/\/\w+$/, '/media'), { connections: 1 })
  const rows = await media.query<{ id: string }>('select id from media where owner_id = $1', [id])
  const files = await readdir(env.MEDIA_FOLDER ?? '', { recursive: true })
  const kept = rows.filter((row) => files.some((path) => path.includes(row.id)))
  return { rows: rows.length, files: kept.length }
}
