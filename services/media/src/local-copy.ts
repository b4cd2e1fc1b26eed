import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Storage, storageAway } from './storage.ts'

/**
 * An object as a file, for a decoder that jumps to and fro: where the storage keeps it, or a copy
 * that goes on disposal. So it need not be held in memory.
 */
export async function openLocal(
  storage: Storage,
  key: string,
): Promise<{ path: string } & AsyncDisposable> {
  if (storage.pathOf) return { path: storage.pathOf(key), [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'clew-media-'))
  const dispose = () => rm(folder, { recursive: true, force: true })
  try {
    const found = await storage.get(key)
    if (!found) throw storageAway(new Error('an object that was just put is not there'))
    const path = join(folder, 'copy')
    await pipeline(found.stream, createWriteStream(path))
    return { path, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}
