import {
  appendFile,
  copyFile,
  mkdtemp,
  rename,
  rm,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Cursor } from './cursor.ts'
import { createFollower, type Follower } from './follower.ts'

let folder: string
let path: string
let open: Follower[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'follower-'))
  path = join(folder, 'access.log')
  open = []
})

afterEach(async () => {
  for (const follower of open) await follower[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function follow(cursor?: Cursor, quietMs = 0): Follower {
  const follower = createFollower(path, cursor, quietMs)
  open.push(follower)
  return follower
}

/** Reads and commits all there is. */
async function drain(follower: Follower): Promise<string[]> {
  const lines = []
  for (;;) {
    const chunk = await follower.next()
    if (!chunk) return lines
    follower.commit(chunk.end)
    lines.push(...chunk.lines)
  }
}

test('a log that does not exist yet is waited for', async () => {
  const follower = follow()
  expect(await drain(follower)).toEqual([])
  await writeFile(path, 'one\n')
  expect(await drain(follower)).toEqual(['one'])
})

test('half a line waits for its other half', async () => {
  await writeFile(path, 'one\ntw')
  const follower = follow()
  expect(await drain(follower)).toEqual(['one'])
  await appendFile(path, 'o\n')
  expect(await drain(follower)).toEqual(['two'])
})

test('a chunk that was not committed comes again', async () => {
  await writeFile(path, 'one\n')
  const follower = follow()
  await follower.next()
  expect((await follower.next())?.lines).toEqual(['one'])
})

test('another follower goes on where the first had committed', async () => {
  await writeFile(path, 'one\n')
  const first = follow()
  await drain(first)
  await appendFile(path, 'two\n')
  expect(await drain(follow(first.position()))).toEqual(['two'])
})

test('much is read in chunks of whole lines', async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${'x'.repeat(40)}`)
  await writeFile(path, `${lines.join('\n')}\n`)
  const follower = follow()
  expect((await follower.next())?.lines.length).toBeLessThan(10_000)
  expect(await drain(follower)).toEqual(lines)
})

test('a line without end does not stop the rest', async () => {
  await writeFile(path, `${'x'.repeat(600_000)}\nafter\n`)
  expect((await drain(follow())).at(-1)).toBe('after')
})

test('a renamed log is read to its end, late lines too, and then its successor', async () => {
  await writeFile(path, 'one\n')
  const follower = follow(undefined, 100)
  await drain(follower)
  await appendFile(path, 'two\n')
  await rename(path, `${path}.1`)
  expect(await drain(follower)).toEqual(['two'])
  await writeFile(path, 'four\n')
  expect(await drain(follower)).toEqual([])
  await appendFile(`${path}.1`, 'three\n')
  expect(await drain(follower)).toEqual(['three'])
  await expect.poll(() => drain(follower)).toEqual(['four'])
})

test('rotations while nobody followed are caught up with, in order', async () => {
  await writeFile(path, 'one\n')
  const first = follow()
  await drain(first)
  await appendFile(path, 'two\n')
  await rename(path, `${path}.2`)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await writeFile(`${path}.1`, 'three\n')
  await writeFile(path, 'four\n')
  expect(await drain(follow(first.position()))).toEqual(['two', 'three', 'four'])
})

test('a log rotated before its first line was read is found by its inode', async () => {
  await writeFile(path, '')
  const first = follow()
  await drain(first)
  await appendFile(path, 'one\n')
  await rename(path, `${path}.1`)
  await writeFile(path, 'two\n')
  expect(await drain(follow(first.position()))).toEqual(['one', 'two'])
})

test('a truncated log is read from its beginning', async () => {
  await writeFile(path, 'one\ntwo\n')
  const follower = follow()
  await drain(follower)
  await truncate(path)
  expect(await drain(follower)).toEqual([])
  await appendFile(path, 'three\n')
  expect(await drain(follower)).toEqual(['three'])
})

test('truncation is noticed when the log has already outgrown its former size', async () => {
  await writeFile(path, 'one\n')
  const follower = follow()
  await drain(follower)
  await truncate(path)
  await appendFile(path, 'two\nthree\nfour\n')
  expect(await drain(follower)).toEqual(['two', 'three', 'four'])
})

test('copytruncate: what was not read yet is read from the copy', async () => {
  await writeFile(path, 'one\n')
  const follower = follow()
  await drain(follower)
  await appendFile(path, 'two\n')
  await copyFile(path, `${path}.1`)
  await truncate(path)
  await appendFile(path, 'three\n')
  expect(await drain(follower)).toEqual(['two', 'three'])
})

test('a log made anew, perhaps on the same inode, is read from its beginning', async () => {
  await writeFile(path, 'one\n')
  const first = follow()
  await drain(first)
  const cursor = first.position()
  await first[Symbol.asyncDispose]()
  await unlink(path)
  await writeFile(path, 'two\nthree\n')
  expect(await drain(follow(cursor))).toEqual(['two', 'three'])
})

test('compressed files beside the log are left alone', async () => {
  await writeFile(`${path}.1.gz`, 'nothing\n')
  await writeFile(path, 'one\n')
  expect(await drain(follow())).toEqual(['one'])
})
