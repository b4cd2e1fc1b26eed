import { type FileHandle, open } from 'node:fs/promises'
import type { Cursor } from './cursor.ts'
import { findFile, holds, inodeOf, listFiles, readHead } from './log-files.ts'

/** Whole lines, and the cursor that says they are done. */
export type Chunk = { lines: string[]; end: Cursor }
export type Follower = ReturnType<typeof createFollower>

const chunkBytes = 256 * 1024
const newline = 10

/**
 * Reads a log in chunks, from where `saved` says, over renames, truncations and copies.
 * `next` gives the same chunk again until `commit` is told its end, so nothing is lost in between.
 * A file that was replaced is left only after it has been quiet for `quietMs`: NGINX's workers go on
 * writing to it until each has heard of the rotation.
 */
export function createFollower(path: string, saved: Cursor | undefined, quietMs = 1_500) {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  let cursor = saved
  let handle: FileHandle | undefined
  let quietSince: number | undefined

  /** Undefined when there is no whole new line. */
  async function next(): Promise<Chunk | undefined> {
    for (;;) {
      handle ??= await openCurrent()
      if (!handle || !cursor) return undefined
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes, cursor.offset)
      // Truncated in place: look for the copy, else begin anew.
      if (!(await holds(handle, cursor))) {
        await close()
        continue
      }
      const taken = wholeLines(buffer.subarray(0, bytesRead))
      if (taken > 0) return chunk(handle, cursor, taken)
      if (!(await isDone(cursor))) return undefined
      cursor = await successor(cursor)
      await close()
    }
  }

  async function openCurrent(): Promise<FileHandle | undefined> {
    const files = await listFiles(path)
    const known = cursor && (await findFile(files, cursor))
    const file = known ?? files.at(-1)
    if (!file) return undefined
    const opened = await open(file.path)
    const { ino } = await opened.stat()
    cursor = known && cursor ? { ...cursor, inode: ino } : startOf(ino)
    return opened
  }

  async function chunk(file: FileHandle, from: Cursor, taken: number): Promise<Chunk> {
    quietSince = undefined
    const offset = from.offset + taken
    const lines = buffer.toString('utf8', 0, taken).split('\n')
    if (lines.at(-1) === '') lines.pop()
    return { lines, end: { inode: from.inode, offset, head: await readHead(file, offset) } }
  }

  async function isDone({ inode }: Cursor): Promise<boolean> {
    const live = await inodeOf(path)
    if (live === undefined || live === inode) return false
    quietSince ??= performance.now()
    return performance.now() - quietSince >= quietMs
  }

  async function successor({ inode }: Cursor): Promise<Cursor | undefined> {
    const files = await listFiles(path)
    const index = files.findIndex((file) => file.inode === inode)
    const file = index < 0 ? files.at(-1) : files[index + 1]
    return file && startOf(file.inode)
  }

  async function close(): Promise<void> {
    const left = handle
    handle = undefined
    quietSince = undefined
    await left?.close()
  }

  return {
    next,
    commit(end: Cursor) {
      cursor = end
    },
    /** Where reading goes on; undefined before the log was first seen. */
    position: () => cursor,
    /** Bytes of the present file that are not committed. */
    async behind(): Promise<number> {
      return handle && cursor ? (await handle.stat()).size - cursor.offset : 0
    },
    [Symbol.asyncDispose]: close,
  }
}

/** Bytes up to the last line end. A full buffer without one is no line of ours: it is taken as it is. */
function wholeLines(read: Buffer): number {
  const end = read.lastIndexOf(newline) + 1
  return end === 0 && read.length === chunkBytes ? chunkBytes : end
}

function startOf(inode: number): Cursor {
  return { inode, offset: 0, head: '' }
}
