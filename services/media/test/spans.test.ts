import { attributes } from '@clew/conventions/attributes'
import type { TraceSpan } from '@clew/tests/trace'
import { describeTrace, parseTree, printTree } from '@clew/tests/tree'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { gifBomb, photo, picture, video } from './pictures.ts'
import { type Person, type Service, startService, waitUntil } from './service.ts'

// Exact: a span, a statement or a round trip more is a decision, and is made here and in README.md.
let service: Service
let alice: Person
beforeAll(async () => {
  service = await startService()
  alice = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

async function expectTree({ headers }: { headers: Headers }, text: string): Promise<TraceSpan[]> {
  const of = () => service.spans().filter((span) => span.traceId === headers.get('x-trace-id'))
  await waitUntil(() => of().some((span) => span.kind === 'SERVER'))
  const trace = of().toSorted((a, b) => Number(a.start - b.start))
  const tree = parseTree(text)
  expect(describeTrace(trace, tree)).toBe(printTree(tree))
  return trace
}

async function uploadPosted(bytes: Buffer): Promise<string> {
  const { body } = await service.upload(alice, bytes)
  await service.post(body.id)
  return body.id
}

test('an upload', async () => {
  const bytes = await picture(60, 40).jpeg().toBuffer()
  const answer = await service.upload(alice, bytes)
  await expectTree(
    answer,
    `
    media SERVER POST /api/media  http.response.status_code=201 user.id=${alice.id}
      media CLIENT INSERT media
      media INTERNAL put object  clew.storage=files clew.object.bytes=${bytes.length}
      media INTERNAL check image
      media CLIENT BEGIN
      media CLIENT UPDATE media
      media PRODUCER publish events:media  clew.event.type=media.uploaded
        media CLIENT INSERT outbox
      media CLIENT COMMIT
    `,
  )
})

test('an upload of a video: nothing to decode', async () => {
  await expectTree(
    await service.upload(alice, video(700)),
    `
    media SERVER POST /api/media  http.response.status_code=201
      media CLIENT INSERT media
      media INTERNAL put object
      media CLIENT BEGIN
      media CLIENT UPDATE media
      media PRODUCER publish events:media  clew.event.type=media.ready
        media CLIENT INSERT outbox
      media CLIENT COMMIT
    `,
  )
})

test('the same bytes again', async () => {
  const bytes = await picture(61, 40).jpeg().toBuffer()
  await service.upload(alice, bytes)
  await expectTree(
    await service.upload(alice, bytes),
    `
    media SERVER POST /api/media  http.response.status_code=200
      media CLIENT INSERT media
      media INTERNAL put object
      media INTERNAL check image
      media CLIENT BEGIN
      media CLIENT UPDATE media  db.response.returned_rows=0
      media CLIENT SELECT media
      media CLIENT COMMIT
      media CLIENT UPDATE media
      media INTERNAL remove object  clew.storage=files
      media CLIENT DELETE media
    `,
  )
})

test('refused uploads, which are no error', async () => {
  await expectTree(
    await service.upload(alice, Buffer.from('a text')),
    'media SERVER POST /api/media  http.response.status_code=415 !error.type',
  )
  const cut = (await picture(300, 200).jpeg().toBuffer()).subarray(0, -4_000)
  await expectTree(
    await service.upload(alice, cut),
    `
    media SERVER POST /api/media  http.response.status_code=422 !error.type
      media CLIENT INSERT media
      media INTERNAL put object  !error.type
      media CLIENT UPDATE media
      media INTERNAL remove object
      media CLIENT DELETE media
    `,
  )
  await expectTree(
    await service.upload(alice, gifBomb(60)),
    `
    media SERVER POST /api/media  http.response.status_code=422 !error.type
      media CLIENT INSERT media
      media INTERNAL put object
      media INTERNAL check image  !error.type
      media CLIENT UPDATE media
      media INTERNAL remove object
      media CLIENT DELETE media
    `,
  )
  const nobody = await service.ask('POST', '/api/media', { body: cut })
  await expectTree(
    nobody,
    'media SERVER POST /api/media  http.response.status_code=401 clew.refusal=absent',
  )
})

test('reads: whole, a range, unchanged, unseen', async () => {
  const bytes = video(5_000)
  const path = `/media/${await uploadPosted(bytes)}/video`
  const whole = await service.get(path)
  await expectTree(
    whole,
    `
    media SERVER GET /media/{id}/{variant}  http.response.status_code=200
      media CLIENT SELECT media
      media INTERNAL get object  clew.storage=files clew.object.bytes=${bytes.length}
    `,
  )
  await expectTree(
    await service.get(path, { range: 'bytes=10-19' }),
    `
    media SERVER GET /media/{id}/{variant}  http.response.status_code=206
      media CLIENT SELECT media
      media INTERNAL get object  clew.object.bytes=10
    `,
  )
  await expectTree(
    await service.get(path, { 'if-none-match': whole.headers.get('etag') ?? '' }),
    `
    media SERVER GET /media/{id}/{variant}  http.response.status_code=304
      media CLIENT SELECT media
    `,
  )
  await expectTree(
    await service.get(`/media/${alice.id}/original`),
    `
    media SERVER GET /media/{id}/{variant}  http.response.status_code=404 !error.type
      media CLIENT SELECT media
    `,
  )
})

test('what there is, and its deletion', async () => {
  const { body } = await service.upload(alice, await picture(62, 40).jpeg().toBuffer())
  await expectTree(
    await service.ask('GET', `/api/media/${body.id}`, { token: alice.token }),
    `
    media SERVER GET /api/media/{id}  user.id=${alice.id}
      media CLIENT SELECT media
    `,
  )
  await expectTree(
    await service.ask('DELETE', `/api/media/${body.id}`, { token: alice.token }),
    `
    media SERVER DELETE /api/media/{id}  http.response.status_code=204
      media CLIENT BEGIN
      media CLIENT SELECT media
      media CLIENT SELECT uses
      media CLIENT UPDATE media
      media PRODUCER publish events:media  clew.event.type=media.deleted
        media CLIENT INSERT outbox
      media CLIENT COMMIT
      media INTERNAL remove object
      media INTERNAL remove object
      media INTERNAL remove object
      media CLIENT DELETE media
    `,
  )
})

test('nothing undeclared and nothing private is on a span', async () => {
  await service.upload(alice, await photo().jpeg().toBuffer(), { 'x-name': 'holiday.jpg' })
  const names = service.spans().flatMap((span) => Object.keys(span.attributes))
  expect(new Set(names.filter((name) => !(name in attributes)))).toEqual(new Set())
  const text = JSON.stringify(service.spans(), (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  for (const secret of [alice.token, 'Pinhole', 'holiday', service.folder]) {
    expect(text).not.toContain(secret)
  }
})
