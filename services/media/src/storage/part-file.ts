import { type FileHandle, mkdir, open, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { storageAway } from '../storage.ts'

/** The folder of an object is made with its first file, and may be removed at the same time. */
export async function openPart(part: string): Promise<FileHandle> {
  for (let tries = 0; ; tries++) {
    await mkdir(dirname(part)).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
    try {
      return await open(part, 'wx')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 2) throw error
    }
  }
}

/** Not a pipeline: what the source throws and what the disk throws have to be told apart. */
export async function writeAll(file: FileHandle, source: Readable): Promise<number> {
  try {
    let bytes = 0
    for await (const chunk of source) {
      await orAway(() => file.writeFile(chunk))
      bytes += chunk.length
    }
    await orAway(() => file.datasync())
    return bytes
  } finally {
    await file.close()
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder)
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

export async function removePart(part: string): Promise<void> {
  await rm(part, { force: true }).catch(() => {})
  await removeIfEmpty(dirname(part))
}

export async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {})
}

/** Whatever the disk refuses, full, gone or not ours, is trouble that may pass. */
export async function orAway<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw storageAway(error)
  }
}
