import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Storage, storageAway } from './storage.ts'

/**
 * An object as a file, for a decoder that jumps to and fro: where the storage keeps it, or a copy
 * that goes on disposal. So it need not be held in memory.
 * @throws StorageAway, also when there is no room for the copy
 */
export async function openLocal(
  storage: Storage,
  key: string,
): Promise<{ path: string } & AsyncDisposable> {
  if (storage.pathOf) return { path: storage.pathOf(key), [Symbol.asyncDispose]: async () => {} }
  const found = await storage.get(key)
  if (!found) throw storageAway(new Error('an object that was just put is not there'))
  const name = join(tmpdir(), `clew-media-${randomUUID()}`)
  const stack = new AsyncDisposableStack()
  try {
    const file = stack.use(await open(name, 'wx+', 0o600))
    // It has no name from here on, so that it cannot outlive this process, however that ends.
    await rm(name)
    for await (const chunk of found.stream) await file.writeFile(chunk)
    return { path: `/proc/self/fd/${file.fd}`, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    found.stream.destroy()
    await stack.disposeAsync()
    throw storageAway(error)
  }
}
