import { readdir, rename } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { expectAway } from '../away.ts'
import { untilHandled } from '../handled.ts'
import { photo } from '../images.ts'
import { journey } from '../journey.ts'
import { note } from '../notes.ts'
import { kill, without } from '../parts.ts'
import { newcomer, type Person, resident } from '../person.ts'
import { readPlatform } from '../platform.ts'

// What still works of media while a part is away, in the order of the table in ARCHITECTURE.md.

const patient = { timeout: 60_000, interval: 100 }

// What a killed worker had in hand is taken up again after half a minute. Meanwhile the other tests run.
const inHand: { person: Person; ids: string[] }[] = []

it('media-worker killed and away: photos are shown as they are, and made smaller later', async () => {
  const person = await resident()
  const photos = await Promise.all(
    Array.from({ length: 8 }, () => photo({ width: 3_000, height: 2_000 })),
  )
  const answers = await Promise.all(photos.map((bytes) => person.upload(bytes)))
  expect(answers.map(({ status }) => status)).toEqual(photos.map(() => 201))
  const ids = answers.map(({ body }) => body.id)
  const fromMs = Date.now()
  const statuses = await Promise.all(ids.map((id) => statusOf(person, id)))
  await kill('media-worker')
  note({ cut: 'media-worker', fromMs, toMs: Date.now() })
  // Else it had nothing to do.
  expect(statuses).toContain('processing')
  inHand.push({ person, ids })
  const late = await without('media-worker', async () => {
    const { id } = (await person.upload(await photo())).body
    const thumb = await person.get(`/media/${id}/thumb`)
    expect([thumb.status, thumb.headers['content-type']]).toEqual([200, 'image/jpeg'])
    expect(await statusOf(person, id)).toBe('processing')
    return id
  })
  await untilReady(person, late)
  const thumb = await person.get(`/media/${late}/thumb`)
  expect([thumb.status, thumb.headers['content-type']]).toEqual([200, 'image/webp'])
})

it('the folder of files gone: uploads are refused, and nothing is half written', async () => {
  const { person, path } = await posted()
  const folder = readPlatform().env.MEDIA_FOLDER ?? ''
  const bytes = await photo()
  const before = await readdir(folder, { recursive: true })
  await rename(folder, `${folder}-away`)
  try {
    const { answer, trace } = await journey('an upload without a folder', () =>
      person.upload(bytes),
    )
    expectAway(answer)
    expect((await trace.spans()).some(({ name }) => name === 'publish events:media')).toBe(false)
    // What is cached is seen all the same.
    const cached = await newcomer().get(path)
    expect([cached.status, cached.headers['x-cache']]).toEqual([200, 'hit'])
  } finally {
    await rename(`${folder}-away`, folder)
  }
  expect(await readdir(folder, { recursive: true })).toEqual(before)
  const again = await person.upload(bytes)
  expect(again.status).toBe(201)
  await untilReady(person, again.body.id)
})

it('media away: timelines, cached images and posts without photos go on', async () => {
  const { person, path, id } = await posted()
  const timeline = await person.timeline()
  await without('media', async () => {
    expect((await person.timeline()).body).toEqual(timeline.body)
    const { answer, trace } = await journey('an image without media', () => newcomer().get(path))
    expect([answer.status, answer.headers['x-cache']]).toEqual([200, 'hit'])
    await trace.toBe('gateway SERVER GET /media/{id}/{variant}  clew.cache=hit')
    expect((await person.write()).status).toBe(201)
    expectAway(await person.post('/api/posts', { content: 'A photo', media_ids: [id] }))
    expectAway(await person.upload(await photo()))
    expectAway(await person.get(`/api/media/${id}`))
  })
  const post = () => person.post('/api/posts', { content: 'A photo', media_ids: [id] })
  await expect.poll(async () => (await post()).status, patient).toBe(201)
})

it('Redis away: uploads are taken, and photos are made smaller when it is back', async () => {
  const person = await resident()
  const id = await without('redis', async () => {
    const { status, body } = await person.upload(await photo())
    expect(status).toBe(201)
    expect((await person.get(`/media/${body.id}/original`)).status).toBe(200)
    return body.id
  })
  await untilReady(person, id)
})

it('Postgres away: nothing is taken, and what is cached is seen', async () => {
  const { person, path } = await posted()
  await without('postgres', async () => {
    expectAway(await person.upload(await photo()))
    expect((await newcomer().get(path)).status).toBe(200)
  })
  await expect.poll(async () => (await person.upload(await photo())).status, patient).toBe(201)
})

it('media-worker killed: what it had in hand is made after all', async () => {
  expect(inHand).toHaveLength(1)
  for (const { person, ids } of inHand) for (const id of ids) await untilReady(person, id)
})

/** A photo that is in a post, and in the gateway's cache. */
async function posted(): Promise<{ person: Person; id: string; path: string }> {
  const person = await resident()
  const { id } = (await person.upload(await photo())).body
  await untilReady(person, id)
  const post = await person.post('/api/posts', { content: 'A photo', media_ids: [id] })
  await untilHandled('events:feed', post.body.id)
  await person.timeline()
  const path = `/media/${id}/card`
  await newcomer().get(path)
  return { person, id, path }
}

async function untilReady(person: Person, id: string): Promise<void> {
  await expect.poll(() => statusOf(person, id), patient).toBe('ready')
}

async function statusOf(person: Person, id: string): Promise<string> {
  return (await person.get(`/api/media/${id}`)).body.status
}
