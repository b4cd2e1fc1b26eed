import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { picture, video } from './pictures.ts'
import { type Person, type Service, startService } from './service.ts'

const run = promisify(execFile)
const megabyte = 1024 * 1024
let service: Service
let alice: Person
beforeAll(async () => {
  service = await startService()
  alice = await service.person()
})
afterAll(() => service[Symbol.asyncDispose]())

const jpeg = () => picture(60, 40).jpeg().toBuffer()
const read = (id: string, variant = 'original') =>
  service.get(`/media/${id}/${variant}`, { authorization: `Bearer ${alice.token}` })

/** A file system of one megabyte, where this may be mounted. */
async function mountSmall(): Promise<({ folder: string } & AsyncDisposable) | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'clew-media-small-'))
  const mount = run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
  const mounted = await mount.then(
    () => true,
    () => false,
  )
  const dispose = async () => {
    if (mounted) await run('umount', [folder])
    await rm(folder, { recursive: true, force: true })
  }
  if (mounted) return { folder, [Symbol.asyncDispose]: dispose }
  await dispose()
  return undefined
}

test('a full storage says so, keeps nothing half-written, and takes what fits', async ({
  skip,
}) => {
  await using small = await mountSmall()
  if (!small) return skip('only root may mount a storage small enough to fill')
  const { folder } = small
  await using full = await startService({ env: { MEDIA_FOLDER: folder } })
  const bob = await full.person()
  const fits = await full.upload(bob, await jpeg())
  expect(fits.status).toBe(201)
  const before = await full.kept(folder)
  const refused = await full.upload(bob, video(3 * megabyte))
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('5')
  expect(refused.body.detail).toBe('The storage cannot do this right now. Try again in a moment.')
  expect((await full.kept(folder)).objects).toEqual(before.objects)
  expect((await full.upload(bob, video(50_000))).status).toBe(201)
  const { traceId } = await full.serverSpan(refused)
  const put = full.spans().find((span) => span.traceId === traceId && span.name === 'put object')
  expect(put?.attributes['error.type']).toMatchObject({ value: 'ENOSPC' })
})

test('a storage that is gone: 503 until it is back, and no other folder in its place', async () => {
  const { body } = await service.upload(alice, await jpeg())
  const before = await service.kept()
  await rename(service.folder, `${service.folder}-away`)
  expect((await service.upload(alice, video(10_000))).status).toBe(503)
  expect((await read(body.id)).status).toBe(503)
  await rename(`${service.folder}-away`, service.folder)
  expect((await service.kept()).objects).toEqual(before.objects)
  expect((await read(body.id)).status).toBe(200)
})

test('a file in place of the storage', async () => {
  const { body } = await service.upload(alice, await jpeg())
  await rename(service.folder, `${service.folder}-away`)
  await writeFile(service.folder, '')
  expect((await service.upload(alice, video(11_000))).status).toBe(503)
  expect((await read(body.id)).status).toBe(503)
  await rm(service.folder)
  await rename(`${service.folder}-away`, service.folder)
  expect((await read(body.id)).status).toBe(200)
})

test('what is deleted while the storage is gone is left to the sweeper', async () => {
  const { body } = await service.upload(alice, await picture(63, 40).jpeg().toBuffer())
  await rename(service.folder, `${service.folder}-away`)
  await writeFile(service.folder, '')
  const { status } = await service.ask('DELETE', `/api/media/${body.id}`, { token: alice.token })
  await rm(service.folder)
  await rename(`${service.folder}-away`, service.folder)
  expect(status).toBe(204)
  const rows = await service.owner.query('select status from media where id = $1', [body.id])
  expect(rows).toEqual([{ status: 'deleting' }])
  expect((await read(body.id)).status).toBe(404)
})

test('three uploads of 100 MB at once are not held in memory', async () => {
  const bytes = [5, 6, 7].map((fill) => video(100 * megabyte - 2_000).fill(fill, 5_000))
  // What a first large upload takes for good, as buffers and compiled code, is not what is asked.
  await service.upload(alice, video(20 * megabyte))
  const before = await memory()
  let most = 0
  let going = true
  const watch = (async () => {
    while (going) {
      most = Math.max(most, await memory())
      await sleep(10)
    }
  })()
  const answers = await Promise.all(bytes.map((body) => service.upload(alice, body)))
  going = false
  await watch
  for (const { status, body } of answers) {
    expect(status).toBe(201)
    expect(body.bytes).toBe(bytes[0]?.length)
  }
  expect(most - before).toBeLessThan(80)
}, 120_000)

/** Resident, in MB. */
async function memory(): Promise<number> {
  const status = await readFile(`/proc/${service.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
}
