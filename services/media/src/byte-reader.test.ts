import { expect, test } from 'vitest'
import { createByteReader } from './byte-reader.ts'

/** Counts what was asked of it. */
function source(chunks: number, bytes: number) {
  let given = 0
  async function* give() {
    for (; given < chunks; given++) yield Buffer.alloc(bytes, given)
  }
  return { stream: give(), given: () => given }
}

test('portions cut across chunks, and refused where the stream ends early', async () => {
  const reader = createByteReader(source(5, 3).stream)
  expect([...(await reader.take(7))]).toEqual([0, 0, 0, 1, 1, 1, 2])
  expect([...(await reader.peek(2))]).toEqual([2, 2])
  reader.unread(Buffer.from([9]))
  expect([...(await reader.take(4))]).toEqual([9, 2, 2, 3])
  await expect(reader.take(100)).rejects.toMatchObject({ status: 422 })
  expect([...(await reader.peek(100))]).toEqual([3, 3, 4, 4, 4])
  await expect(reader.skip(6)).rejects.toMatchObject({ status: 422 })
  expect([...(await reader.peek(1))]).toEqual([])
})

test('what claims to be long is refused before it is read', async () => {
  const { stream, given } = source(100, 64 * 1024)
  const reader = createByteReader(stream)
  await expect(reader.take(100_000_000)).rejects.toMatchObject({ status: 422 })
  expect(given()).toBe(0)
})
