import { randomBytes } from 'node:crypto'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { untilHandled } from '../handled.ts'
import { form, photo, video } from '../images.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { newcomer, type Person, resident } from '../person.ts'

// What the worker does with a photo, and what it says when it is done.
const made = `
            media-worker CONSUMER process events:media  clew.event.type=media.uploaded
              media-worker CLIENT SELECT media
              media-worker INTERNAL decode image
              media-worker INTERNAL make thumb
              media-worker INTERNAL put object
              media-worker INTERNAL make card
              media-worker INTERNAL put object
              media-worker CLIENT BEGIN
              media-worker CLIENT UPDATE media
              media-worker CLIENT INSERT variants
              media-worker PRODUCER publish events:media  clew.event.type=media.ready
                media-worker CLIENT INSERT outbox
              media-worker CLIENT COMMIT`

// Once for each file that the gateway may have kept.
const asksGateway = `
              media-worker CLIENT GET /media/{id}/{variant}  http.response.status_code=404
                gateway SERVER GET /media/{id}/{variant}  clew.cache=miss
                  media SERVER GET /media/{id}/{variant}
                    media CLIENT SELECT media`

const variant = (id: string, name: string, width: number, height: number) => ({
  name,
  url: `/media/${id}/${name}`,
  content_type: 'image/webp',
  width,
  height,
})

describe('an upload', () => {
  it('is one story until its variants are made', async () => {
    const person = await resident()
    const bytes = await photo({ width: 2_000, height: 1_000, orientation: 6 })
    const { answer, trace } = await journey('an upload', () => person.upload(bytes, 'image/jpeg'))
    expect(answer.status).toBe(201)
    const { id } = answer.body
    expect(answer.body).toMatchObject({
      user_id: person.id,
      url: `/media/${id}/original`,
      content_type: 'image/jpeg',
      // As it is seen: the phone was held upright.
      width: 1_000,
      height: 2_000,
      variants: [variant(id, 'thumb', 160, 320), variant(id, 'card', 640, 1_280)],
      status: 'processing',
    })
    await trace.toBe(`
      gateway SERVER POST /api/media  http.response.status_code=201
        media SERVER POST /api/media  user.id=${person.id} http.response.status_code=201
          media CLIENT INSERT media
          media INTERNAL put object  clew.storage=files clew.object.bytes=${answer.body.bytes}
          media INTERNAL check image
          media CLIENT BEGIN
          media CLIENT UPDATE media
          media PRODUCER publish events:media  clew.event.type=media.uploaded
            media CLIENT INSERT outbox${made}
          media CLIENT COMMIT
    `)
    const ready = (await person.get(`/api/media/${id}`)).body
    expect(ready).toEqual({ ...answer.body, status: 'ready' })
    const thumb = await person.get(`/media/${id}/thumb`)
    expect(thumb.headers['content-type']).toBe('image/webp')
    expect(await sharp(thumb.bytes).metadata()).toMatchObject({
      format: 'webp',
      width: 160,
      height: 320,
    })
  })

  it('as a form is the same, whatever the file is called', async () => {
    const person = await resident()
    const name = `../../holiday-${randomBytes(4).toString('hex')}.jpg`
    note({ secret: name.slice(6) })
    const { body, type } = form(await photo(), name)
    const { answer, trace } = await journey('an upload as a form', () => person.upload(body, type))
    expect([answer.status, answer.body.content_type]).toEqual([201, 'image/jpeg'])
    expect(JSON.stringify(answer.body)).not.toContain('holiday')
    expect((await trace.spans()).map(({ name }) => name)).toContain('check image')
  })

  it('of the same bytes is what there is already', async () => {
    const [person, other] = [await resident(), await resident()]
    const bytes = await photo()
    const first = await person.upload(bytes)
    await untilReady(person, first.body.id)
    const { answer, trace } = await journey('the same upload', () => person.upload(bytes))
    expect([answer.status, answer.body.id]).toEqual([200, first.body.id])
    const names = (await trace.spans()).map(({ name }) => name)
    expect(names).not.toContain('publish events:media')
    expect((await other.upload(bytes)).body.id).not.toBe(first.body.id)
  })

  it('keeps no place where it was taken, and shows none', async () => {
    const person = await resident()
    const place = `otter-bay-${randomBytes(4).toString('hex')}`
    note({ secret: place })
    const bytes = await photo({ place, orientation: 6 })
    expect(bytes.includes(place)).toBe(true)
    const { id } = (await person.upload(bytes)).body
    await untilReady(person, id)
    for (const name of ['original', 'thumb', 'card']) {
      const { status, bytes } = await person.get(`/media/${id}/${name}`)
      expect([status, bytes.includes(place), bytes.includes('GPS')]).toEqual([200, false, false])
    }
    const original = (await person.get(`/media/${id}/original`)).bytes
    expect((await sharp(original).metadata()).orientation).toBe(6)
  })
})

describe('a photo in a post', () => {
  it('is asked for once when it is written, and embedded where it is read', async () => {
    const [author, reader] = [await resident(), await resident()]
    await author.write()
    const photos = [await upload(author), await upload(author)]
    const media_ids = photos.map(({ id }) => id)
    const post = await journey('a post with photos', () =>
      author.post('/api/posts', { content: 'Two otters', media_ids }),
    )
    expect(post.answer.status).toBe(201)
    expect(post.answer.body.media).toEqual(
      photos.map(({ id, content_type, width, height, url, variants }) => ({
        id,
        content_type,
        width,
        height,
        url,
        variants: variants.map(({ content_type: _, ...rest }: { content_type: string }) => rest),
      })),
    )
    await post.trace.toBe(`
      gateway SERVER POST /api/posts  http.response.status_code=201
        feed SERVER POST /api/posts
          feed CLIENT POST /internal/media/uses
            media SERVER POST /internal/media/uses
              media CLIENT BEGIN
              media CLIENT SELECT media
              media CLIENT INSERT uses
              media CLIENT COMMIT
          feed CLIENT BEGIN
          feed CLIENT INSERT posts
          feed PRODUCER publish events:feed  clew.event.type=post.created
            feed CLIENT INSERT outbox
            feed-worker CONSUMER process events:feed
              feed-worker CLIENT EVAL author
              feed-worker CLIENT SELECT authors
              feed-worker CLIENT GET /internal/users/{id}/followers
                profile SERVER GET /internal/users/{id}/followers
                  profile CLIENT SELECT follows
              feed-worker CLIENT EVAL timeline
            ↷ media-worker CONSUMER process events:feed  clew.event.type=post.created
              media-worker CLIENT INSERT uses
          feed CLIENT COMMIT
          feed CLIENT SET post
          feed CLIENT EVAL author
          feed CLIENT EVAL timeline
    `)
    await reader.follow(author)
    await untilHandled('events:profile', reader.id, author.id)
    const cold = await journey('a timeline with photos', () => reader.timeline())
    expect(cold.answer.body.posts[0].media).toEqual(post.answer.body.media)
    const warm = await journey('the same timeline', () => reader.timeline())
    await warm.trace.toBe(`
      gateway SERVER GET /api/timeline/{user_id}
        feed SERVER GET /api/timeline/{user_id}
          feed CLIENT EVAL timeline  cache.hit=true
          feed CLIENT MGET post  cache.hit=true
          feed CLIENT HMGET liked  cache.hit=true
    `)
  })

  it('is refused when it is not there, is somebody else’s, or is the fifth', async () => {
    const [author, other] = [await resident(), await resident()]
    const [mine, theirs] = [await upload(author), await upload(other)]
    const post = (media_ids: string[]) =>
      author.post('/api/posts', { content: 'Not mine', media_ids })
    const refused = await post([mine.id, theirs.id])
    expect(refused.status).toBe(422)
    expect(refused.body.errors).toMatchObject([{ field: 'media_ids.1' }])
    expect((await post([author.id])).status).toBe(422)
    expect((await post(Array.from({ length: 5 }, () => mine.id))).status).toBe(422)
    expect((await other.get(`/media/${mine.id}/thumb`)).status).toBe(404)
  })
})

describe('an image', () => {
  it('is private until it is posted, then for everybody, and gone with the post', async () => {
    const [owner, other] = [await resident(), await resident()]
    const { id } = await upload(owner)
    const path = `/media/${id}/card`
    expect((await other.get(path)).status).toBe(404)
    expect((await newcomer().get(path)).status).toBe(404)
    expect((await other.get(`/api/media/${id}`)).status).toBe(404)
    const own = await owner.get(path)
    expect([own.status, own.headers['cache-control']]).toEqual([200, 'private, no-store'])
    const byCookie = await newcomer().get(path, { cookie: `clew_token=${owner.token}` })
    expect(byCookie.status).toBe(200)

    const post = await owner.post('/api/posts', { content: 'For all', media_ids: [id] })
    // The refusal of before was kept for a second at most.
    await expect.poll(async () => (await newcomer().get(path)).status).toBe(200)
    const shown = await newcomer().get(path)
    expect(shown.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(shown.bytes.equals(own.bytes)).toBe(true)
    const used = await owner.delete(`/api/media/${id}`)
    expect([used.status, used.body.trace_id]).toEqual([409, used.traceId])

    expect((await owner.delete(`/api/posts/${post.body.id}`)).status).toBe(204)
    await expect.poll(async () => (await newcomer().get(path)).status, { timeout: 5_000 }).toBe(404)
    // The gateway keeps a refusal for a second.
    await expect.poll(async () => (await owner.get(path)).status, { timeout: 5_000 }).toBe(200)
    const removed = await journey('a photo is deleted', () => owner.delete(`/api/media/${id}`))
    expect(removed.answer.status).toBe(204)
    await removed.trace.toBe(`
      gateway SERVER DELETE /api/media/{id}  http.response.status_code=204
        media SERVER DELETE /api/media/{id}  user.id=${owner.id}
          media CLIENT BEGIN
          media CLIENT SELECT media
          media CLIENT SELECT uses  db.response.returned_rows=0
          media CLIENT UPDATE media
          media PRODUCER publish events:media  clew.event.type=media.deleted
            media CLIENT INSERT outbox
            media-worker CONSUMER process events:media${asksGateway.repeat(3)}
          media CLIENT COMMIT
          media INTERNAL remove object
          media INTERNAL remove object
          media INTERNAL remove object
          media CLIENT DELETE media
    `)
    expect((await owner.get(path)).status).toBe(404)
    expect((await owner.get(`/api/media/${id}`)).status).toBe(404)
  })

  it('comes out of the gateway’s cache the second time', async () => {
    const path = await posted()
    const first = await journey('an image for the first time', () => newcomer().get(path))
    expect([first.answer.status, first.answer.headers['x-cache']]).toEqual([200, 'miss'])
    await first.trace.toBe(`
      gateway SERVER GET /media/{id}/{variant}  clew.cache=miss
        media SERVER GET /media/{id}/{variant}
          media CLIENT SELECT media
          media INTERNAL get object
    `)
    const again = await journey('the image again', () => newcomer().get(path))
    expect([again.answer.status, again.answer.headers['x-cache']]).toEqual([200, 'hit'])
    expect(again.answer.bytes.equals(first.answer.bytes)).toBe(true)
    expect(again.answer.traceId).not.toBe(first.answer.traceId)
    await again.trace.toBe('gateway SERVER GET /media/{id}/{variant}  clew.cache=hit')
    const etag = String(first.answer.headers.etag)
    const known = await newcomer().get(path, { 'if-none-match': etag })
    expect([known.status, known.bytes.length]).toEqual([304, 0])
    expect(again.answer.headers).toMatchObject({
      etag,
      'x-content-type-options': 'nosniff',
      'content-disposition': 'inline',
    })
  })

  it('is given in parts, out of the cache as well', async () => {
    const path = await posted()
    const whole = (await newcomer().get(path)).bytes
    for (const range of ['bytes=10-19', 'bytes=-10', `bytes=${whole.length - 5}-`]) {
      const part = await newcomer().get(path, { range })
      expect([range, part.status]).toEqual([range, 206])
      const [, from = 0, to = 0] = /(\d+)-(\d+)\//.exec(`${part.headers['content-range']}`) ?? []
      expect(part.bytes.equals(whole.subarray(Number(from), Number(to) + 1))).toBe(true)
    }
    const beyond = await newcomer().get(path, { range: `bytes=${whole.length}-` })
    expect(beyond.status).toBe(416)
  })
})

it('a video is ready at once, and is given in parts without a cache', async () => {
  const person = await resident()
  const bytes = video()
  const { status, body } = await person.upload(bytes, 'video/mp4')
  expect(status).toBe(201)
  expect(body).toMatchObject({
    url: `/media/${body.id}/video`,
    content_type: 'video/mp4',
    bytes: bytes.length,
    width: null,
    height: null,
    variants: [],
    status: 'ready',
  })
  await person.post('/api/posts', { content: 'Moving otters', media_ids: [body.id] })
  const { answer, trace } = await journey('a part of a video', () =>
    newcomer().get(body.url, { range: 'bytes=50000-50099' }),
  )
  expect(answer.status).toBe(206)
  expect(answer.headers).toMatchObject({
    'content-range': `bytes 50000-50099/${bytes.length}`,
    'content-type': 'video/mp4',
  })
  expect(answer.headers['x-cache']).toBeUndefined()
  expect(answer.bytes.equals(bytes.subarray(50_000, 50_100))).toBe(true)
  await trace.toBe(`
    gateway SERVER GET /media/{id}/{variant}  http.response.status_code=206 !clew.cache
      media SERVER GET /media/{id}/{variant}  http.response.status_code=206
        media CLIENT SELECT media
        media INTERNAL get object  clew.object.bytes=100
  `)
})

/** A photo whose variants are made. */
async function upload(person: Person) {
  const { status, body } = await person.upload(await photo())
  expect(status).toBe(201)
  return untilReady(person, body.id)
}

async function untilReady(person: Person, id: string) {
  const read = async () => (await person.get(`/api/media/${id}`)).body
  await expect.poll(async () => (await read()).status, { timeout: 5_000 }).toBe('ready')
  return read()
}

/** Where an image is that everybody may see. */
async function posted(): Promise<string> {
  const person = await resident()
  const { id } = await upload(person)
  const { status } = await person.post('/api/posts', { content: 'A photo', media_ids: [id] })
  expect(status).toBe(201)
  return `/media/${id}/card`
}
