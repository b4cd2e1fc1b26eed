import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { field, filePart, form, formType } from './form.ts'
import { animation, gifBomb, photo, picture, video } from './pictures.ts'
import { type Person, type Service, startService } from './service.ts'

let service: Service
let alice: Person
beforeAll(async () => {
  service = await startService()
  alice = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

const stored = (id: string) => readFile(join(service.folder, id, 'original'))

describe('what is accepted', () => {
  test.each([
    ['image/jpeg', () => picture(640, 480).jpeg().toBuffer()],
    ['image/png', () => picture(640, 480).png().toBuffer()],
    ['image/webp', () => picture(640, 480).webp().toBuffer()],
    ['image/gif', () => animation(640, 480, 3)],
  ])('%s, whatever its header says', async (type, make) => {
    const bytes = await make()
    const answer = await service.upload(alice, bytes, { 'content-type': 'text/html' })
    expect(answer.status).toBe(201)
    const { id } = answer.body
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      user_id: alice.id,
      url: `/media/${id}/original`,
      content_type: type,
      bytes: bytes.length,
      width: 640,
      height: 480,
      variants: [
        {
          name: 'thumb',
          url: `/media/${id}/thumb`,
          content_type: 'image/webp',
          width: 320,
          height: 240,
        },
        {
          name: 'card',
          url: `/media/${id}/card`,
          content_type: 'image/webp',
          width: 640,
          height: 480,
        },
      ],
      status: 'processing',
      created_at: expect.any(String),
    })
    expect(await stored(id)).toEqual(bytes)
    const [row] = await service.owner.query<{ sha256: Buffer }>(
      'select sha256 from media where id = $1',
      [id],
    )
    expect(row?.sha256).toEqual(createHash('sha256').update(bytes).digest())
  })

  test('an MP4, which is ready at once', async () => {
    const { status, body } = await service.upload(alice, video())
    expect(status).toBe(201)
    expect(body).toMatchObject({
      url: `/media/${body.id}/video`,
      content_type: 'video/mp4',
      width: null,
      height: null,
      variants: [],
      status: 'ready',
    })
  })

  test('a photo lying on its side, with its size as it is seen', async () => {
    const { body } = await service.upload(alice, await photo(64, 48).jpeg().toBuffer())
    expect(body).toMatchObject({ width: 48, height: 64 })
  })

  test('the one file of a form, whatever its name', async () => {
    const bytes = await picture(90, 60).jpeg().toBuffer()
    const body = form(field('caption', 'hello'), filePart(bytes, '../../x'), field('more', ''))
    const answer = await service.upload(alice, body, formType)
    expect(answer.status).toBe(201)
    expect(await stored(answer.body.id)).toEqual(bytes)
    expect(JSON.stringify(await service.kept())).not.toContain('x"')
  })
})

describe('the same bytes again', () => {
  test('are what there is, for the same person', async () => {
    const bytes = await picture(50, 50).jpeg().toBuffer()
    const first = await service.upload(alice, bytes)
    const before = await service.kept()
    const again = await service.upload(alice, form(filePart(bytes)), formType)
    expect([again.status, again.body]).toEqual([200, first.body])
    expect(await service.kept()).toEqual(before)
    const bob = await service.person()
    const his = await service.upload(bob, bytes)
    expect(his.status).toBe(201)
    expect(his.body.id).not.toBe(first.body.id)
  })

  test('at once: one of them is kept', async () => {
    const bytes = await picture(51, 50).jpeg().toBuffer()
    const before = await service.kept()
    const answers = await Promise.all(Array.from({ length: 5 }, () => service.upload(alice, bytes)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201])
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    const after = await service.kept()
    expect(after.rows).toBe(before.rows + 1)
    expect(after.objects.length).toBe(before.objects.length + 1)
  })
})

describe('what is refused leaves nothing', () => {
  const jpeg = () => picture(300, 200).jpeg().toBuffer()
  const bomb = async () => {
    const small = await picture(8, 8).png().toBuffer()
    // The header's size, and its checksum, which nobody need get right before decoding.
    small.writeUInt32BE(30_000, 16)
    small.writeUInt32BE(30_000, 20)
    const { crc32 } = await import('node:zlib')
    small.writeUInt32BE(crc32(small.subarray(12, 29)), 29)
    return small
  }
  const flat = (width: number, height: number, progressive = false, bits = 8) =>
    sharp({ create: { width, height, channels: 3, background: 'red' } })
      .toColourspace(bits === 16 ? 'rgb16' : 'srgb')
      .png({ progressive })
      .toBuffer()

  test.each([
    ['no bytes', 422, async () => Buffer.alloc(0), {}],
    ['a text called .jpg', 415, async () => form(filePart(Buffer.from('hello, world'))), formType],
    ['a text', 415, async () => Buffer.from('hello, world'), { 'content-type': 'image/jpeg' }],
    [
      'an SVG with a script',
      415,
      async () =>
        Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
      {},
    ],
    ['a PDF', 415, async () => Buffer.from('%PDF-1.7\n'), {}],
    ['a TIFF', 415, () => picture(9, 9).tiff().toBuffer(), {}],
    ['a JPEG cut in the middle', 422, async () => (await jpeg()).subarray(0, -5_000), {}],
    ['the first bytes of a JPEG', 422, async () => (await jpeg()).subarray(0, 20), {}],
    [
      'a PNG cut in the middle',
      422,
      async () => (await picture(99, 99).png().toBuffer()).subarray(0, 9_000),
      {},
    ],
    [
      'a WebP cut in the middle',
      422,
      async () => (await picture(99, 99).webp().toBuffer()).subarray(0, 2_000),
      {},
    ],
    [
      'a GIF cut in its first frame',
      422,
      async () => (await animation(99, 99, 1)).subarray(0, 60),
      {},
    ],
    ['a PNG header of 900 million pixels', 422, bomb, {}],
    ['a PNG of 64 million pixels', 422, () => flat(8_000, 8_000), {}],
    ['an interlaced PNG of 30 million pixels', 422, () => flat(6_000, 5_000, true), {}],
    [
      'an interlaced PNG of 16 million pixels of 16 bits',
      422,
      () => flat(4_000, 4_000, true, 16),
      {},
    ],
    ['a GIF of 60 million pixels in all', 422, async () => gifBomb(60), {}],
    [
      'a box of an MP4 that cannot be',
      422,
      async () => Buffer.concat([video(), Buffer.from('\0\0\0\x03mdat')]),
      {},
    ],
    ['a form without a file', 422, async () => form(field('a', 'b')), formType],
    [
      'a form with two files',
      422,
      async () => form(filePart(await jpeg()), filePart(await jpeg())),
      formType,
    ],
    [
      'a form that breaks off',
      400,
      async () => form(filePart(await jpeg())).subarray(0, -20),
      formType,
    ],
    [
      'a form of 40 fields',
      422,
      async () => form(...Array(40).fill(field('a', 'b')), filePart(await jpeg())),
      formType,
    ],
    ['a form without a boundary', 400, jpeg, { 'content-type': 'multipart/form-data' }],
    ['an empty file in a form', 422, async () => form(filePart(Buffer.alloc(0))), formType],
  ] as [string, number, () => Promise<Buffer>, Record<string, string>][])(
    '%s: %i',
    async (_what, status, make, headers) => {
      const before = await service.kept()
      const answer = await service.upload(alice, await make(), headers)
      expect(answer.status, JSON.stringify(answer.body)).toBe(status)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.body.detail).toMatch(/^[A-Z].*\.$/)
      expect(await service.kept()).toEqual(before)
    },
  )

  test('what nobody signed', async () => {
    const before = await service.kept()
    const answer = await service.ask('POST', '/api/media', {
      body: await jpeg(),
      headers: { 'content-type': 'image/jpeg' },
    })
    expect(answer.status).toBe(401)
    expect(await service.kept()).toEqual(before)
  })

  test('anything while the database is away', async () => {
    const { objects } = await service.kept()
    service.database.cut()
    const answer = await service.upload(alice, await jpeg())
    service.database.mend()
    expect(answer.status).toBe(503)
    expect((await service.kept()).objects).toEqual(objects)
  })
})

test('uploads at once, of which each keeps its own bytes', async () => {
  const pictures = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      picture(400 + index, 300)
        .jpeg()
        .toBuffer(),
    ),
  )
  const answers = await Promise.all(pictures.map((bytes) => service.upload(alice, bytes)))
  for (const [index, { status, body }] of answers.entries()) {
    expect(status).toBe(201)
    expect(await stored(body.id)).toEqual(pictures[index])
  }
})
