import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { picture, video } from './pictures.ts'
import { type Person, type Service, startService, waitUntil } from './service.ts'

let service: Service
let alice: Person
let bob: Person
let image: { id: string; bytes: Buffer; etag: string }
let film: { id: string; bytes: Buffer; etag: string }
beforeAll(async () => {
  service = await startService()
  alice = await service.person()
  bob = await service.person()
  image = await upload(await picture(500, 300).jpeg().toBuffer())
  film = await upload(video(300_000))
})
afterAll(() => service[Symbol.asyncDispose]())

async function upload(bytes: Buffer, posted = true) {
  const { body } = await service.upload(alice, bytes)
  if (posted) await service.post(body.id)
  const stored = await service.get(body.url, { authorization: `Bearer ${alice.token}` })
  const sha = createHash('sha256').update(stored.bytes).digest('hex')
  return { id: body.id as string, bytes: stored.bytes, etag: `"${sha}"` }
}

const bearer = (person: Person) => ({ authorization: `Bearer ${person.token}` })
const immutable = 'public, max-age=31536000, immutable'

describe('bytes of what a post shows', () => {
  test('whole, for everybody', async () => {
    const answer = await service.get(`/media/${image.id}/original`)
    expect(answer.status).toBe(200)
    expect(answer.bytes).toEqual(image.bytes)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': immutable,
      'content-disposition': 'inline',
      'content-length': String(image.bytes.length),
      'content-type': 'image/jpeg',
      etag: image.etag,
      'x-accel-expires': '600',
      'x-content-type-options': 'nosniff',
    })
  })

  test('HEAD: the same without bytes, also when a range is asked for', async () => {
    const answer = await service.get(`/media/${film.id}/video`, { range: 'bytes=0-9' }, 'HEAD')
    expect(answer.status).toBe(200)
    expect(answer.bytes.length).toBe(0)
    expect(answer.headers.get('content-length')).toBe(String(film.bytes.length))
    expect(answer.headers.get('content-type')).toBe('video/mp4')
    expect(answer.headers.get('etag')).toBe(film.etag)
  })

  test('304 for who has them', async () => {
    const path = `/media/${image.id}/original`
    for (const tag of [image.etag, `W/${image.etag}`, `"x", ${image.etag}`, '*']) {
      const answer = await service.get(path, { 'if-none-match': tag })
      expect(answer.status).toBe(304)
      expect(answer.headers.get('etag')).toBe(image.etag)
      expect(answer.headers.get('cache-control')).toBe(immutable)
      expect(answer.headers.get('x-accel-expires')).toBe('600')
    }
    expect((await service.get(path, { 'if-none-match': '"x"' })).status).toBe(200)
  })

  test.each([
    ['bytes=0-0', 0, 0],
    ['bytes=100-199', 100, 199],
    ['bytes=300000-', 300_000, undefined],
    ['bytes=-5', -5, undefined],
    ['bytes=299000-9999999', 299_000, undefined],
  ])('the range %s', async (range, start, end) => {
    const answer = await service.get(`/media/${film.id}/video`, { range })
    const size = film.bytes.length
    const first = start < 0 ? size + start : start
    const last = end ?? size - 1
    expect(answer.status).toBe(206)
    expect(answer.bytes).toEqual(film.bytes.subarray(first, last + 1))
    expect(answer.headers.get('content-range')).toBe(`bytes ${first}-${last}/${size}`)
    expect(answer.headers.get('content-length')).toBe(String(last - first + 1))
    expect(answer.headers.get('etag')).toBe(film.etag)
  })

  test('a range that is not there', async () => {
    const answer = await service.get(`/media/${film.id}/video`, { range: 'bytes=9999999-' })
    expect(answer.status).toBe(416)
    expect(answer.headers.get('content-range')).toBe(`bytes */${film.bytes.length}`)
    expect(JSON.parse(String(answer.bytes)).title).toBe('Range Not Satisfiable')
  })

  test('all of it for several ranges, for nonsense, and for part of what has changed', async () => {
    const path = `/media/${film.id}/video`
    for (const headers of [
      { range: 'bytes=0-1,5-6' },
      { range: 'bytes=9-1' },
      { range: 'bytes=0-1', 'if-range': '"x"' },
    ] as Record<string, string>[]) {
      const answer = await service.get(path, headers)
      expect(answer.status).toBe(200)
      expect(answer.bytes).toEqual(film.bytes)
    }
    const fits = await service.get(path, { range: 'bytes=0-1', 'if-range': film.etag })
    expect(fits.status).toBe(206)
  })

  test('a variant: the original until it is made, then its own, for good', async () => {
    const { id, bytes, etag } = await upload(await picture(400, 300).png().toBuffer())
    const before = await service.get(`/media/${id}/thumb`)
    expect(before.bytes).toEqual(bytes)
    expect(before.headers.get('etag')).toBe(etag)
    expect(before.headers.get('content-type')).toBe('image/png')
    expect(before.headers.get('cache-control')).toBe('no-cache')
    expect(before.headers.get('x-accel-expires')).toBe('0')

    const thumb = await picture(320, 240).webp().toBuffer()
    const sha = createHash('sha256').update(thumb).digest()
    const { mkdir, writeFile } = await import('node:fs/promises')
    await mkdir(`${service.folder}/${id}`, { recursive: true })
    await writeFile(`${service.folder}/${id}/thumb`, thumb)
    await service.owner.query(
      `insert into variants (media_id, name, bytes, width, height, sha256)
       values ($1, 'thumb', $2, 320, 240, $3)`,
      [id, thumb.length, sha],
    )
    const after = await service.get(`/media/${id}/thumb`)
    expect(after.bytes).toEqual(thumb)
    expect(after.headers.get('etag')).toBe(`"${sha.toString('hex')}"`)
    expect(after.headers.get('content-type')).toBe('image/webp')
    expect(after.headers.get('cache-control')).toBe(immutable)
    expect((await service.get(`/media/${id}/card`)).bytes).toEqual(bytes)
  })
})

test('before it is posted, only its owner sees it, by token or cookie', async () => {
  const { id, bytes, etag } = await upload(await picture(80, 60).jpeg().toBuffer(), false)
  const paths = [`/media/${id}/original`, `/media/${id}/thumb`]
  const strangers = [
    {},
    bearer(bob),
    { cookie: `clew_token=${bob.token}` },
    bearer({ id: '', token: 'a.b.c' }),
  ]
  const expired = await service.auth.sign({ sub: alice.id }, { expires: '-1m' })
  for (const path of paths) {
    for (const headers of [...strangers, bearer({ id: '', token: expired })] as Record<
      string,
      string
    >[]) {
      const answer = await service.get(path, headers)
      expect(answer.status).toBe(404)
      expect(answer.headers.get('x-accel-expires')).toBe('1')
    }
    for (const headers of [
      bearer(alice),
      { cookie: `a=b; clew_token=${alice.token}; c=d` },
      // A 304 would let the gateway keep what it kept while a post showed it.
      { ...bearer(alice), 'if-none-match': etag },
    ]) {
      const answer = await service.get(path, headers as Record<string, string>)
      expect(answer.status).toBe(200)
      expect(answer.bytes).toEqual(bytes)
      expect(answer.headers.get('cache-control')).toBe('private, no-store')
      expect(answer.headers.get('x-accel-expires')).toBe('0')
    }
  }
  expect((await service.ask('GET', `/api/media/${id}`)).status).toBe(404)
  expect((await service.ask('GET', `/api/media/${id}`, { token: bob.token })).status).toBe(404)
  expect((await service.ask('GET', `/api/media/${id}`, { token: alice.token })).body.id).toBe(id)
  await service.post(id)
  for (const path of paths) expect((await service.get(path)).status).toBe(200)
  expect((await service.ask('GET', `/api/media/${id}`)).body.id).toBe(id)
})

test('what leads nowhere', async () => {
  for (const path of [
    `/media/${image.id}/video`,
    `/media/${film.id}/original`,
    `/media/${film.id}/thumb`,
    `/media/${image.id}/huge`,
    // Its id, but no path that the gateway would ask for again after a deletion.
    `/media/${image.id.toUpperCase()}/original`,
    `/media/${alice.id}/original`,
    '/media/x/original',
    `/media/${image.id}/..%2f..%2fetc`,
  ]) {
    const answer = await service.get(path)
    expect(answer.status, path).toBe(404)
    expect(answer.headers.get('x-accel-expires')).toBe('1')
  }
})

describe('deletion', () => {
  test('takes the bytes and the row, and says so', async () => {
    const { id } = await upload(await picture(81, 60).jpeg().toBuffer(), false)
    const refused = await service.ask('DELETE', `/api/media/${id}`, { token: bob.token })
    expect(refused.status).toBe(404)
    expect((await service.ask('DELETE', `/api/media/${id}`)).status).toBe(401)
    const { status } = await service.ask('DELETE', `/api/media/${id}`, { token: alice.token })
    expect(status).toBe(204)
    const { objects } = await service.kept()
    expect(objects.filter((key) => key.startsWith(id))).toEqual([])
    const rows = await service.owner.query('select 1 from media where id = $1', [id])
    expect(rows).toEqual([])
    expect((await service.get(`/media/${id}/original`, bearer(alice))).status).toBe(404)
    const again = await service.ask('DELETE', `/api/media/${id}`, { token: alice.token })
    expect(again.status).toBe(404)
  })

  test('waits for the post that shows it', async () => {
    const { id } = await upload(await picture(82, 60).jpeg().toBuffer())
    const refused = await service.ask('DELETE', `/api/media/${id}`, { token: alice.token })
    expect(refused.status).toBe(409)
    const stranger = await service.ask('DELETE', `/api/media/${id}`, { token: bob.token })
    expect(stranger.status).toBe(403)
    await service.owner.query('delete from uses where media_id = $1', [id])
    expect((await service.ask('DELETE', `/api/media/${id}`, { token: alice.token })).status).toBe(
      204,
    )
  })
})

test('whoever leaves in the middle of a film leaves nothing open', async () => {
  const { id } = await upload(video(40_000_000))
  const open = async () => {
    const { readdir, readlink } = await import('node:fs/promises')
    const fds = await readdir(`/proc/${service.pid}/fd`)
    const files = await Promise.all(
      fds.map((fd) => readlink(`/proc/${service.pid}/fd/${fd}`).catch(() => '')),
    )
    return files.filter((file) => file.includes(id)).length
  }
  for (let turn = 0; turn < 5; turn++) {
    const leave = new AbortController()
    const answer = await fetch(`${service.url}/media/${id}/video`, { signal: leave.signal })
    await answer.body?.getReader().read()
    leave.abort()
  }
  await waitUntil(async () => (await open()) === 0)
  expect((await service.get(`/media/${id}/video`, { range: 'bytes=0-9' })).status).toBe(206)
})
