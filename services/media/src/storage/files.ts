import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Storage, storageAway } from '../storage.ts'
import { openPart, orAway, removeIfEmpty, removePart, syncFolder, writeAll } from './part-file.ts'

const readBytes = 256 * 1024

// A folder that tells ours from the empty one which is left where a disk was.
const mark = '.storage'

/**
 * Objects as files below one folder, which is made here once and never again: when its disk is
 * gone, nothing is written to what lies beneath, and nothing counts as removed.
 */
export async function openFiles(folder: string): Promise<Storage> {
  await mkdir(join(folder, mark), { recursive: true })
  await access(folder, constants.W_OK)
  const pathOf = (key: string) => join(folder, key)
  const present = () => orAway(() => access(join(folder, mark)))

  /** Undefined for what is not there, as long as the storage is. */
  async function orAbsent<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw storageAway(error)
      await present()
      return undefined
    }
  }

  return {
    pathOf,
    async put(key, source) {
      const path = pathOf(key)
      const part = `${path}.${randomUUID()}`
      try {
        await present()
        const file = await orAway(() => openPart(part))
        const bytes = await writeAll(file, source)
        await orAway(async () => {
          await rename(part, path)
          // The names as well: of what counts as stored, a power failure takes nothing.
          await syncFolder(dirname(path))
          await syncFolder(folder)
        })
        return { bytes }
      } catch (error) {
        source.destroy()
        await removePart(part)
        throw error
      }
    },
    async get(key, range) {
      const file = await orAbsent(() => open(pathOf(key)))
      if (!file) return undefined
      try {
        const { start = 0, end = (await file.stat()).size - 1 } = range ?? {}
        // An empty range cannot be said with an end that is included.
        const last = Math.max(end, start)
        const stream = file.createReadStream({ start, end: last, highWaterMark: readBytes })
        return { stream, bytes: end - start + 1 }
      } catch (error) {
        await file.close()
        throw storageAway(error)
      }
    },
    async head(key) {
      const found = await orAbsent(() => stat(pathOf(key)))
      return found && { bytes: found.size }
    },
    async remove(key) {
      const path = pathOf(key)
      const names = (await orAbsent(() => readdir(dirname(path)))) ?? []
      const own = names.filter(
        (name) => name === basename(path) || name.startsWith(`${basename(path)}.`),
      )
      await orAway(() =>
        Promise.all(own.map((name) => rm(join(dirname(path), name), { force: true }))),
      )
      await removeIfEmpty(dirname(path))
    },
  }
}
