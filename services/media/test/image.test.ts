import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { v7 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createImageCheck } from '../src/image.ts'
import { openLocal } from '../src/local-copy.ts'
import { openFiles } from '../src/storage/files.ts'
import { type Storage, StorageAway } from '../src/storage.ts'
import { picture } from './pictures.ts'

const check = createImageCheck()
const key = `${uuid()}/original`
let folder: string
let storage: Storage
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew-media-'))
  storage = await openFiles(folder)
  const bytes = await picture(90, 60).jpeg().toBuffer()
  await storage.put(key, Readable.from([bytes]))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a picture that cannot be read is not called damaged', async () => {
  const path = join(folder, 'picture')
  await expect(check(path, 'image/jpeg')).rejects.toBeInstanceOf(StorageAway)
  // A read of a folder fails as one of a broken disk does: after it was opened.
  await expect(check(folder, 'image/jpeg')).rejects.toBeInstanceOf(StorageAway)
  await writeFile(path, 'no picture')
  await expect(check(path, 'image/jpeg')).rejects.toMatchObject({ status: 422 })
})

test('the copy of an object has no name that a crash could leave', async () => {
  const copies = async () =>
    (await readdir(tmpdir(), { recursive: false })).filter((name) =>
      /^clew-media-.{36}$/.test(name),
    )
  const { pathOf: _, ...distant } = storage
  const before = await copies()
  const local = await openLocal(distant, key)
  expect(await copies()).toEqual(before)
  expect(await check(local.path, 'image/jpeg')).toEqual({ width: 90, height: 60 })
  await local[Symbol.asyncDispose]()
  await expect(check(local.path, 'image/jpeg')).rejects.toBeInstanceOf(StorageAway)
})

test('a copy that breaks off is trouble of the storage', async () => {
  const stream = new Readable({ read: () => void stream.destroy(new Error('EIO')) })
  const { pathOf: _, ...distant } = storage
  const broken = { ...distant, get: async () => ({ stream, bytes: 9 }) }
  await expect(openLocal(broken, key)).rejects.toBeInstanceOf(StorageAway)
})
